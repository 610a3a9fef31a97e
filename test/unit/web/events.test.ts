import { beforeEach, expect, test } from 'vitest'
import { throws, valueInNode, WebGuest } from '../../support/web-guest.ts'

let guest: WebGuest

beforeEach(() => {
  guest = new WebGuest()
})

/** In the same order as they are dispatched. `log` and a listener that notes its name are at hand. */
const PRELUDE = `
  const log = [], target = new EventTarget()
  const note = (name, then) => function (event) { log.push(name); then?.(event) }
`

/** After the web-platform tests' dom/events. `node: false` where Node 26 does something else than the standard. */
const CASES: readonly { readonly what: string; readonly body: string; readonly expected: unknown; readonly node?: false }[] = [
  {
    what: 'in the order of adding',
    body: `for (const n of 'abc') target.addEventListener('x', note(n)); target.dispatchEvent(new Event('x')); return log`,
    expected: ['a', 'b', 'c'],
  },
  {
    what: 'capturing listeners first, also at the target',
    body: `target.addEventListener('x', note('bubble')); target.addEventListener('x', note('capture'), true); target.dispatchEvent(new Event('x')); return log`,
    expected: ['capture', 'bubble'],
    node: false,
  },
  {
    what: 'the same listener once',
    body: `const f = note('a'); target.addEventListener('x', f); target.addEventListener('x', f, { once: true }); target.dispatchEvent(new Event('x')); target.dispatchEvent(new Event('x')); return log`,
    expected: ['a', 'a'],
  },
  {
    what: 'the same listener, once as capturing',
    body: `const f = note('a'); target.addEventListener('x', f); target.addEventListener('x', f, true); target.dispatchEvent(new Event('x')); return log`,
    expected: ['a', 'a'],
  },
  {
    what: 'other types',
    body: `target.addEventListener('y', note('y')); return [target.dispatchEvent(new Event('x')), log]`,
    expected: [true, []],
  },
  {
    what: 'removing',
    body: `const f = note('a'); target.addEventListener('x', f); target.removeEventListener('x', f, true); target.removeEventListener('y', f); target.dispatchEvent(new Event('x')); target.removeEventListener('x', f); target.dispatchEvent(new Event('x')); return log`,
    expected: ['a'],
  },
  {
    what: 'one that is removed by an earlier one',
    body: `const b = note('b'); target.addEventListener('x', note('a', () => target.removeEventListener('x', b))); target.addEventListener('x', b); target.addEventListener('x', note('c')); target.dispatchEvent(new Event('x')); return log`,
    expected: ['a', 'c'],
  },
  {
    what: 'one that removes itself and the next',
    body: `const b = note('b'), a = note('a', () => { target.removeEventListener('x', b); target.removeEventListener('x', a) }); target.addEventListener('x', a); target.addEventListener('x', b); target.addEventListener('x', note('c')); target.dispatchEvent(new Event('x')); return log`,
    expected: ['a', 'c'],
  },
  {
    what: 'one that is added meanwhile waits for the next',
    body: `target.addEventListener('x', note('a', () => target.addEventListener('x', note('late'))), { once: true }); target.dispatchEvent(new Event('x')); log.push('-'); target.dispatchEvent(new Event('x')); return log`,
    expected: ['a', '-', 'late'],
  },
  {
    what: 'one that the last one adds and removes itself',
    body: `const a = note('a', () => { target.removeEventListener('x', a); target.addEventListener('x', note('b')) }); target.addEventListener('x', a); target.dispatchEvent(new Event('x')); return log`,
    expected: ['a'],
  },
  {
    what: 'once',
    body: `target.addEventListener('x', note('a'), { once: true }); target.dispatchEvent(new Event('x')); target.dispatchEvent(new Event('x')); return log`,
    expected: ['a'],
  },
  {
    what: 'once is gone before it is called',
    body: `target.addEventListener('x', note('a', () => target.dispatchEvent(new Event('x'))), { once: true }); target.dispatchEvent(new Event('x')); return log`,
    expected: ['a'],
  },
  {
    what: 'stopImmediatePropagation',
    body: `target.addEventListener('x', note('a', (e) => e.stopImmediatePropagation())); target.addEventListener('x', note('b')); target.dispatchEvent(new Event('x')); return log`,
    expected: ['a'],
  },
  {
    what: 'stopPropagation does not stop the others of the phase',
    body: `target.addEventListener('x', note('a', (e) => e.stopPropagation())); target.addEventListener('x', note('b')); target.dispatchEvent(new Event('x')); return log`,
    expected: ['a', 'b'],
  },
  {
    what: 'an event that was stopped before',
    body: `const e = new Event('x'); target.addEventListener('x', note('a')); e.stopPropagation(); target.dispatchEvent(e); log.push(e.cancelBubble); target.dispatchEvent(e); return log`,
    expected: [false, 'a'],
    node: false,
  },
  {
    what: 'handleEvent is read at each call, with its object as this',
    body: `const l = { handleEvent(e) { log.push(this === l, e.type) } }; target.addEventListener('x', l); target.dispatchEvent(new Event('x')); l.handleEvent = () => log.push('other'); target.dispatchEvent(new Event('x')); return log`,
    expected: [true, 'x', 'other'],
  },
  {
    what: 'a function is called with the target as this',
    body: `target.addEventListener('x', function (e) { log.push(this === target, e.currentTarget === target, e.target === target, e.srcElement === target, e.eventPhase, e.composedPath().length, e.composedPath()[0] === target) }); const e = new Event('x'); target.dispatchEvent(e); log.push(e.currentTarget, e.target === target, e.eventPhase, e.composedPath()); return log`,
    expected: [true, true, true, true, 2, 1, true, null, true, 0, []],
  },
  {
    what: 'null as listener',
    body: `target.addEventListener('x', null); target.addEventListener('x', undefined); target.removeEventListener('x', null); return target.dispatchEvent(new Event('x'))`,
    expected: true,
  },
  { what: 'a listener that is no object', body: `target.addEventListener('x', 1)`, expected: throws('TypeError') },
  {
    what: 'preventDefault',
    body: `target.addEventListener('x', (e) => e.preventDefault()); const e = new Event('x', { cancelable: true }); return [target.dispatchEvent(e), e.defaultPrevented, e.returnValue]`,
    expected: [false, true, false],
  },
  {
    what: 'preventDefault of what is not cancelable',
    body: `target.addEventListener('x', (e) => e.preventDefault()); const e = new Event('x'); return [target.dispatchEvent(e), e.defaultPrevented]`,
    expected: [true, false],
  },
  {
    what: 'preventDefault in a passive listener',
    body: `target.addEventListener('x', (e) => e.preventDefault(), { passive: true }); const e = new Event('x', { cancelable: true }); return [target.dispatchEvent(e), e.defaultPrevented]`,
    expected: [true, false],
  },
  {
    what: 'returnValue',
    body: `const e = new Event('x', { cancelable: true }); e.returnValue = true; log.push(e.defaultPrevented); e.returnValue = false; log.push(e.defaultPrevented); e.returnValue = true; log.push(e.defaultPrevented); return log`,
    expected: [false, true, true],
  },
  {
    what: 'dispatching what is being dispatched',
    body: `let name; target.addEventListener('x', (e) => { try { target.dispatchEvent(e) } catch (error) { name = [error.name, error.code, error instanceof DOMException] } }); target.dispatchEvent(new Event('x')); return name`,
    expected: ['InvalidStateError', 11, true],
    node: false,
  },
  {
    what: 'dispatching twice',
    body: `const e = new Event('x'); target.addEventListener('x', note('a')); target.dispatchEvent(e); target.dispatchEvent(e); return log`,
    expected: ['a', 'a'],
  },
  { what: 'dispatching something else', body: `target.dispatchEvent({ type: 'x' })`, expected: throws('TypeError') },
  { what: 'dispatching nothing', body: `target.dispatchEvent()`, expected: throws('TypeError') },
  {
    what: 'a signal that aborts',
    body: `const c = new AbortController(); target.addEventListener('x', note('a'), { signal: c.signal }); target.dispatchEvent(new Event('x')); c.abort(); target.dispatchEvent(new Event('x')); return log`,
    expected: ['a'],
  },
  {
    what: 'a signal that has aborted',
    body: `target.addEventListener('x', note('a'), { signal: AbortSignal.abort() }); target.dispatchEvent(new Event('x')); return log`,
    expected: [],
  },
  {
    what: 'a signal that aborts during dispatch',
    body: `const c = new AbortController(); target.addEventListener('x', note('a', () => c.abort())); target.addEventListener('x', note('b'), { signal: c.signal }); target.dispatchEvent(new Event('x')); return log`,
    expected: ['a'],
  },
  {
    what: 'a signal for several',
    body: `const c = new AbortController(); for (const n of 'ab') target.addEventListener('x', note(n), { signal: c.signal }); c.abort(); target.dispatchEvent(new Event('x')); return log`,
    expected: [],
  },
  {
    what: 'adding again after the signal',
    body: `const c = new AbortController(), f = note('a'); target.addEventListener('x', f, { signal: c.signal }); target.removeEventListener('x', f); target.addEventListener('x', f); c.abort(); target.dispatchEvent(new Event('x')); return log`,
    expected: ['a'],
    node: false,
  },
  { what: 'null as signal', body: `target.addEventListener('x', () => {}, { signal: null })`, expected: throws('TypeError') },
  { what: 'something else as signal', body: `target.addEventListener('x', () => {}, { signal: {} })`, expected: throws('TypeError') },
  {
    what: 'the options are read in order',
    body: `target.addEventListener('x', () => {}, new Proxy({}, { get(_, key) { log.push(key) } })); return log`,
    expected: ['capture', 'once', 'passive', 'signal'],
    node: false,
  },
  {
    what: 'a truthy value as options',
    body: `target.addEventListener('x', note('bubble')); target.addEventListener('x', note('capture'), 2); target.dispatchEvent(new Event('x')); return log`,
    expected: ['capture', 'bubble'],
    node: false,
  },
  {
    what: 'a subclass of EventTarget',
    body: `class Mine extends EventTarget { fire() { return this.dispatchEvent(new CustomEvent('x', { detail: 3 })) } } const m = new Mine(); m.addEventListener('x', (e) => log.push(e.detail)); m.fire(); return log`,
    expected: [3],
  },
  { what: 'a method on something else', body: `EventTarget.prototype.addEventListener.call({}, 'x', null)`, expected: throws('TypeError') },
  { what: 'too few arguments', body: `target.addEventListener('x')`, expected: throws('TypeError') },
  { what: 'a call without new', body: `EventTarget()`, expected: throws('TypeError') },
  // Events
  {
    what: 'defaults',
    body: `const e = new Event('x'); return [e.type, e.target, e.srcElement, e.currentTarget, e.eventPhase, e.bubbles, e.cancelable, e.composed, e.defaultPrevented, e.returnValue, e.cancelBubble, e.isTrusted]`,
    expected: ['x', null, null, null, 0, false, false, false, false, true, false, false],
  },
  {
    what: 'init',
    body: `const e = new Event('x', { bubbles: 1, cancelable: 'y', composed: {} }); return [e.bubbles, e.cancelable, e.composed]`,
    expected: [true, true, true],
  },
  {
    what: 'constants',
    body: `return [Event.NONE, Event.CAPTURING_PHASE, Event.AT_TARGET, Event.BUBBLING_PHASE, new Event('x').AT_TARGET]`,
    expected: [0, 1, 2, 3, 2],
    node: false,
  },
  { what: 'no type', body: `new Event()`, expected: throws('TypeError') },
  {
    what: 'a type that is no text',
    body: `return [new Event(null).type, new Event(undefined).type, new Event(12).type]`,
    expected: ['null', 'undefined', '12'],
  },
  { what: 'null as init', body: `return new Event('x', null).bubbles`, expected: false },
  { what: 'a number as init', body: `new Event('x', 1)`, expected: throws('TypeError') },
  {
    what: 'isTrusted is an own property for good',
    body: `const a = new Event('x'), b = new Event('y'), d = Object.getOwnPropertyDescriptor(a, 'isTrusted'); return [d.enumerable, d.configurable, d.set, d.get === Object.getOwnPropertyDescriptor(b, 'isTrusted').get, delete a.isTrusted]`,
    expected: [true, false, 'undefined', true, false],
    node: false,
  },
  {
    what: 'initEvent',
    body: `const e = new Event('x', { cancelable: true }); e.preventDefault(); e.initEvent('y', true, true); return [e.type, e.bubbles, e.cancelable, e.defaultPrevented]`,
    expected: ['y', true, true, false],
    node: false,
  },
  {
    what: 'initEvent during dispatch',
    body: `target.addEventListener('x', (e) => e.initEvent('y', true)); const e = new Event('x'); target.dispatchEvent(e); return [e.type, e.bubbles]`,
    expected: ['x', false],
  },
  {
    what: 'cancelBubble',
    body: `const e = new Event('x'); e.cancelBubble = true; log.push(e.cancelBubble); e.cancelBubble = false; log.push(e.cancelBubble); return log`,
    expected: [true, true],
  },
  {
    what: 'CustomEvent',
    body: `const d = {}, e = new CustomEvent('x', { detail: d, bubbles: true }); return [e.detail === d, e.bubbles, new CustomEvent('x').detail, e instanceof Event]`,
    expected: [true, true, null, true],
  },
  {
    what: 'initCustomEvent',
    body: `const e = new CustomEvent('x'); e.initCustomEvent('y', true, false, 5); return [e.type, e.bubbles, e.detail]`,
    expected: ['y', true, 5],
    node: false,
  },
  {
    what: 'ErrorEvent',
    body: `const e = new ErrorEvent('error', { message: 'm', filename: 'f', lineno: 1, colno: 2, error: 3 }); return [e.message, e.filename, e.lineno, e.colno, e.error, new ErrorEvent('x').error, new ErrorEvent('x').message]`,
    expected: ['m', 'f', 1, 2, 3, 'undefined', ''],
  },
  {
    what: 'a getter on something else',
    body: `Object.getOwnPropertyDescriptor(Event.prototype, 'type').get.call({})`,
    expected: throws('TypeError'),
  },
]

test.each(CASES)('$what', ({ body, expected }) => {
  expect(guest.value(PRELUDE + body)).toEqual(expected)
  expect(guest.reported).toEqual([])
})

test.each(CASES.filter(({ node }) => node !== false))('$what in Node', async ({ body, expected }) => {
  expect(await valueInNode(PRELUDE + body)).toEqual(expected)
})

test.each<[what: string, listener: string]>([
  ['a function that throws', `() => { throw new RangeError('thrown') }`],
  ['handleEvent that throws', `{ handleEvent() { throw new RangeError('thrown') } }`],
  ['a getter of handleEvent that throws', `{ get handleEvent() { throw new RangeError('thrown') } }`],
])('%s is reported, and the others are called', (_, listener) => {
  const body = `${PRELUDE} target.addEventListener('x', ${listener}); target.addEventListener('x', note('b')); return [target.dispatchEvent(new Event('x')), log]`
  expect(guest.value(body)).toEqual([true, ['b']])
  expect(guest.reported).toEqual([expect.objectContaining({ name: 'RangeError', message: 'thrown' })])
})

test('a listener without handleEvent is reported', () => {
  expect(guest.value(`${PRELUDE} target.addEventListener('x', {}); return target.dispatchEvent(new Event('x'))`)).toBe(true)
  expect(guest.reported).toEqual([expect.objectContaining({ name: 'TypeError' })])
})

test('the time stamp is that of the clock of performance', () => {
  guest.clockMs = 12.5
  expect(guest.value(`const e = new Event('x'); return [e.timeStamp, performance.now()]`)).toEqual([12.5, 12.5])
  guest.clockMs = 20
  expect(guest.value(`return new Event('x').timeStamp`)).toBe(20)
})

test('many listeners that come and go leave none behind', () => {
  expect(
    guest.value(`${PRELUDE}
      const keep = note('kept')
      target.addEventListener('x', keep)
      for (let i = 0; i < 10000; i++) { const f = () => log.push('gone'); target.addEventListener('x', f); target.removeEventListener('x', f) }
      target.dispatchEvent(new Event('x'))
      return log`),
  ).toEqual(['kept'])
})
