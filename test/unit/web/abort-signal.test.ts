import { beforeEach, expect, test } from 'vitest'
import { throws, valueInNode, WebGuest } from '../../support/web-guest.ts'

let guest: WebGuest

beforeEach(() => {
  guest = new WebGuest()
})

/** After the web-platform tests' dom/abort. `node: false` where Node 26 does something else than the standard. */
const CASES: readonly { readonly what: string; readonly body: string; readonly expected: unknown; readonly node?: false }[] = [
  {
    what: 'a new one',
    body: `const { signal } = new AbortController(); return [signal.aborted, signal.reason, signal.onabort, signal instanceof EventTarget]`,
    expected: [false, 'undefined', null, true],
  },
  { what: 'the signal is one object', body: `const c = new AbortController(); return c.signal === c.signal`, expected: true },
  {
    what: 'abort',
    body: `const c = new AbortController(), log = []; c.signal.onabort = function (e) { log.push(e.type, e.isTrusted, e.target === c.signal, this === c.signal, c.signal.aborted, e.bubbles, e.cancelable) }; c.abort(); c.abort('again'); return [log, c.signal.reason.name, c.signal.reason.code, c.signal.reason instanceof DOMException]`,
    expected: [['abort', true, true, true, true, false, false], 'AbortError', 20, true],
  },
  {
    what: 'abort with a reason',
    body: `const c = new AbortController(), r = {}; c.abort(r); return c.signal.reason === r`,
    expected: true,
  },
  {
    what: 'abort with null',
    body: `const c = new AbortController(); c.abort(null); return [c.signal.aborted, c.signal.reason]`,
    expected: [true, null],
  },
  {
    what: 'abort with undefined',
    body: `const c = new AbortController(); c.abort(undefined); return c.signal.reason.name`,
    expected: 'AbortError',
  },
  {
    what: 'AbortSignal.abort',
    body: `const s = AbortSignal.abort(), t = AbortSignal.abort(5); return [s.aborted, s.reason.name, t.reason]`,
    expected: [true, 'AbortError', 5],
  },
  {
    what: 'throwIfAborted',
    body: `const c = new AbortController(); c.signal.throwIfAborted(); c.abort('why'); try { c.signal.throwIfAborted() } catch (e) { return e }`,
    expected: 'why',
  },
  { what: 'the constructor', body: `new AbortSignal()`, expected: throws('TypeError') },
  { what: 'a subclass', body: `class Mine extends AbortSignal {}; new Mine()`, expected: throws('TypeError') },
  {
    what: 'onabort among the listeners',
    body: `const c = new AbortController(), log = []; c.signal.addEventListener('abort', () => log.push(1)); c.signal.onabort = () => log.push('x'); c.signal.addEventListener('abort', () => log.push(3)); c.signal.onabort = () => log.push(2); c.abort(); return log`,
    expected: [1, 2, 3],
  },
  {
    what: 'onabort set to null',
    body: `const c = new AbortController(), log = []; c.signal.onabort = () => log.push(1); c.signal.onabort = null; c.abort(); return [log, c.signal.onabort]`,
    expected: [[], null],
  },
  {
    what: 'onabort set to what is no function',
    body: `const c = new AbortController(), o = {}; c.signal.onabort = 5; const first = c.signal.onabort; c.signal.onabort = o; c.abort(); return [first, c.signal.onabort === o]`,
    expected: [null, true],
    node: false,
  },
  { what: 'any of none', body: `return AbortSignal.any([]).aborted`, expected: false },
  {
    what: 'any of one that has aborted',
    body: `const s = AbortSignal.any([new AbortController().signal, AbortSignal.abort('a'), AbortSignal.abort('b')]); return [s.aborted, s.reason]`,
    expected: [true, 'a'],
  },
  {
    what: 'any follows the first',
    body: `const a = new AbortController(), b = new AbortController(), s = AbortSignal.any([a.signal, b.signal]), log = []; s.onabort = () => log.push('s'); b.abort('b'); a.abort('a'); return [log, s.reason]`,
    expected: [['s'], 'b'],
  },
  {
    what: 'any of any',
    body: `const a = new AbortController(), b = new AbortController(), s = AbortSignal.any([AbortSignal.any([a.signal]), b.signal]); a.abort('a'); return [s.aborted, s.reason]`,
    expected: [true, 'a'],
  },
  {
    what: 'any of the same twice',
    body: `const a = new AbortController(), s = AbortSignal.any([a.signal, a.signal]), log = []; s.addEventListener('abort', () => log.push(1)); a.abort(); return log`,
    expected: [1],
  },
  {
    what: 'any takes an iterable',
    body: `const a = new AbortController(), s = AbortSignal.any(new Set([a.signal])); a.abort(1); return s.reason`,
    expected: 1,
  },
  {
    what: 'any: the source first, then its followers in order',
    body: `const a = new AbortController(), log = [], one = AbortSignal.any([a.signal]), two = AbortSignal.any([one]), three = AbortSignal.any([a.signal]); for (const [n, s] of Object.entries({ three, two, one, a: a.signal })) s.addEventListener('abort', () => log.push(n)); a.abort(); return log`,
    expected: ['a', 'one', 'two', 'three'],
  },
  {
    what: 'any: all are aborted before any event',
    body: `const a = new AbortController(), s = AbortSignal.any([a.signal]); let seen; a.signal.onabort = () => { seen = s.aborted }; a.abort(); return seen`,
    expected: true,
  },
  {
    what: 'any: the reason is the same object',
    body: `const a = new AbortController(), s = AbortSignal.any([a.signal]); a.abort(); return s.reason === a.signal.reason`,
    expected: true,
  },
  {
    what: 'any: aborting within the event',
    body: `const a = new AbortController(), b = new AbortController(), s = AbortSignal.any([a.signal, b.signal]), log = []; a.signal.onabort = () => b.abort('b'); s.onabort = () => log.push(s.reason); a.abort('a'); return log`,
    expected: ['a'],
  },
  { what: 'any: of what is no signal', body: `AbortSignal.any([{}])`, expected: throws('TypeError') },
  { what: 'any: of what is no iterable', body: `AbortSignal.any(new AbortController().signal)`, expected: throws('TypeError') },
  { what: 'any: without argument', body: `AbortSignal.any()`, expected: throws('TypeError') },
  { what: 'timeout: out of range', body: `AbortSignal.timeout(-1)`, expected: throws('TypeError'), node: false },
  { what: 'timeout: NaN', body: `AbortSignal.timeout('x')`, expected: throws('TypeError') },
  { what: 'timeout: without argument', body: `AbortSignal.timeout()`, expected: throws('TypeError') },
  {
    what: 'a getter on something else',
    body: `Object.getOwnPropertyDescriptor(AbortSignal.prototype, 'aborted').get.call(new EventTarget())`,
    expected: throws('TypeError'),
  },
  { what: 'a controller without new', body: `AbortController()`, expected: throws('TypeError') },
]

test.each(CASES)('$what', ({ body, expected }) => {
  expect(guest.value(body)).toEqual(expected)
})

test.each(CASES.filter(({ node }) => node !== false))('$what in Node', async ({ body, expected }) => {
  expect(await valueInNode(body)).toEqual(expected)
})

test.each<[argument: string, ms: number]>([
  ['0', 0],
  ['10.9', 10],
  [`'5'`, 5],
  ['2 ** 40', 2 ** 31 - 1],
  ['-0.5', 0],
])('timeout(%s) is a timer of %d ms', (argument, ms) => {
  guest.run(`var signal = AbortSignal.timeout(${argument}), events = []; signal.onabort = (event) => events.push(event.isTrusted)`)
  expect(guest.timers.map((timer) => Math.abs(timer.ms))).toEqual([ms])
  expect(guest.value(`return signal.aborted`)).toBe(false)
  guest.timers[0]?.callback()
  expect(
    guest.value(`return [signal.aborted, signal.reason.name, signal.reason.code, signal.reason instanceof DOMException, events]`),
  ).toEqual([true, 'TimeoutError', 23, true, [true]])
})

test('any follows a timeout', () => {
  guest.run(`var signal = AbortSignal.any([new AbortController().signal, AbortSignal.timeout(1)])`)
  guest.timers[0]?.callback()
  expect(guest.value(`return signal.reason.name`)).toBe('TimeoutError')
})

test('an abort that listeners spoil reaches everybody', () => {
  expect(
    guest.value(`const c = new AbortController(), s = AbortSignal.any([c.signal]), log = []
      c.signal.onabort = () => { throw new Error('spoilt') }
      s.onabort = () => log.push('s')
      c.abort()
      return log`),
  ).toEqual(['s'])
  expect(guest.reported).toHaveLength(1)
})

/** Signals that follow a long-lived one, as for each request of a server. Collected objects are counted by weak references. */
test('a signal that nobody listens to is not kept by the one that it follows; one with a listener or an algorithm is', async () => {
  guest.run(`
    var source = new AbortController(), aborted = [], target = new EventTarget()
    var idle = Array.from({ length: 1000 }, () => new WeakRef(AbortSignal.any([source.signal])))
    for (let i = 0; i < 5; i++) AbortSignal.any([source.signal]).addEventListener('abort', () => aborted.push(i))
    target.addEventListener('x', () => aborted.push('x'), { signal: AbortSignal.any([source.signal]) })`)
  const alive = () => guest.value(`return idle.filter((ref) => ref.deref() !== undefined).length`) as number
  await collectGarbage(() => alive() < 1000)
  expect(alive()).toBeLessThan(1000)
  expect(guest.value(`source.abort(); target.dispatchEvent(new Event('x')); return aborted`)).toEqual([0, 1, 2, 3, 4])
})

/** Weak references are only cleared between jobs. */
async function collectGarbage(done: () => boolean): Promise<void> {
  const { setFlagsFromString } = await import('node:v8')
  setFlagsFromString('--expose-gc')
  const { runInNewContext } = await import('node:vm')
  const gc = runInNewContext('gc') as () => void
  for (let i = 0; i < 20; i++) {
    await new Promise((resolve) => setImmediate(resolve))
    gc()
    if (done()) return
  }
}
