import { type Attack, attack, ofWeb, type Step } from '../support/attack.ts'
import { describeEscapes } from '../support/escapes.ts'
import { WEB_USES } from '../support/web-uses.ts'

/** The interfaces, looked up when they are used: whatever a guest did before, it did before their libraries were loaded. */
const INTERFACES = `['AbortController', 'AbortSignal', 'DOMException', 'Event', 'EventTarget', 'ReadableStream', 'TextDecoder', 'TextEncoder', 'TransformStream',
  'URL', 'URLSearchParams', 'WritableStream']`
const FUNCTIONS = `['atob', 'btoa', 'structuredClone']`

const web = (title: string, ...steps: readonly Step[]): Attack => ofWeb(attack(title, 'escapes', ...steps))
/** A Proxy whose traps judge all that they are given, over an object of the guest's. */
const TRAPS = `var traps = { __proto__: null }
for (const name of Reflect.ownKeys(Reflect)) if (typeof Reflect[name] === 'function') traps[name] = (...args) => { judge(args); args.forEach(judge); return Reflect[name](...args) }
var trap = (target) => new Proxy(target, traps)
var hostile = (keys, value) => { const made = {}; for (const key of keys) Object.defineProperty(made, key, { enumerable: true, get() { judge(this); judge(new Error('g').stack)
  return typeof value === 'function' ? value(key) : value } }); return trap(made) }
var text = () => trap({ toString() { judge(this); judge(arguments); return 'https://h/?a=1' }, valueOf() { judge(this); return 1 } })
var attempt = (use) => { try { judge(use()) } catch (error) { judge(error) } }
judge([]); 0`

describeEscapes('web globals and hostile arguments', [
  web(
    'Proxies and getters as options',
    TRAPS,
    `attempt(() => new URL(text(), text())); attempt(() => new URLSearchParams(hostile(['a', 'b'], text))); attempt(() => new URLSearchParams(trap([trap(['a', text()])])))
    attempt(() => new TextDecoder(text(), hostile(['fatal', 'ignoreBOM'], trap))); attempt(() => new TextDecoder().decode(trap(new Uint8Array(2)), hostile(['stream'], 1)))
    attempt(() => new Event(text(), hostile(['bubbles', 'cancelable', 'composed'], 1))); attempt(() => new EventTarget().dispatchEvent(trap(new Event('x'))))
    attempt(() => { const target = new EventTarget(); target.addEventListener(text(), hostile(['handleEvent'], () => function () { judge(this); judge(arguments); throw trap(new Error('m')) }),
      hostile(['capture', 'once', 'passive', 'signal'], (key) => (key === 'signal' ? AbortSignal.abort() : 1))); target.dispatchEvent(new Event('https://h/?a=1')) })
    attempt(() => AbortSignal.any(trap([AbortSignal.abort(trap({})), trap(new AbortController().signal)]))); attempt(() => AbortSignal.abort(trap({})).throwIfAborted())
    attempt(() => new DOMException(text(), hostile(['name', 'cause'], text))); attempt(() => atob(text())); attempt(() => btoa(text())); 0`,
    `attempt(() => structuredClone(trap({ a: [1] }))); attempt(() => structuredClone(hostile(['a', 'b'], () => new Map([[trap({}), 1]]))))
    attempt(() => structuredClone(new ArrayBuffer(2), hostile(['transfer'], () => trap([new ArrayBuffer(2)])))); attempt(() => structuredClone([], trap([trap({})])))
    attempt(() => structuredClone({ get a() { throw trap(new Error('m')) } })); attempt(() => structuredClone(Object.assign(new Error('m'), { name: text() }))); 0`,
    `attempt(() => new ReadableStream(hostile(['start', 'pull', 'cancel', 'type'], (key) => (key === 'type' ? undefined : trap(function () { judge(this); judge(arguments); throw trap({}) }))),
      hostile(['highWaterMark', 'size'], (key) => (key === 'size' ? trap(() => text()) : 2))))
    attempt(() => new ReadableStream({ pull(controller) { judge(controller); return { get then() { judge(this); return (...args) => { judge(args); args.forEach(judge) } } } } }).getReader(hostile(['mode'], undefined)).read())
    attempt(() => ReadableStream.from(hostile([Symbol.asyncIterator], () => () => hostile(['next', 'return'], () => function () { judge(this); judge(arguments); return trap(Promise.resolve({ value: 1 })) }))).getReader().read())
    attempt(() => new WritableStream(hostile(['start', 'write', 'close', 'abort'], () => trap(function () { judge(this); judge(arguments) }))).getWriter().write(trap({})))
    attempt(() => new TransformStream(hostile(['start', 'transform', 'flush'], () => trap(function () { judge(this); judge(arguments) })), hostile(['size'], trap(() => 1))).writable.getWriter().write(1))
    attempt(() => new ReadableStream().pipeTo(trap(new WritableStream()), hostile(['signal', 'preventClose'], 1))); attempt(() => new ReadableStream().pipeThrough(hostile(['readable', 'writable'], () => new WritableStream()))); 0`,
  ),
  web(
    'typed arrays with getters and hostile constructors, to be filled and decoded',
    TRAPS,
    `class Hostile extends Uint8Array { get length() { judge(this); return 1e9 } get byteLength() { judge(this); return 1e9 } get byteOffset() { judge(this); return -1 } get buffer() { judge(this)
      return trap(new ArrayBuffer(8)) } get constructor() { judge(this); return trap(Uint8Array) } static get [Symbol.species]() { judge(this); return trap(Array) } subarray() { judge(arguments); return trap([]) }
      set() { judge(arguments) } get [Symbol.toStringTag]() { judge(this); return 'BigUint64Array' } }
    for (const made of [new Hostile(8), trap(new Uint8Array(8)), Object.setPrototypeOf(new Uint8Array(8), null), Object.setPrototypeOf(new Uint8Array(8), trap({})), new Uint8Array(new ArrayBuffer(8, { maxByteLength: 16 })),
      { __proto__: Uint8Array.prototype, length: 8 }, new Float64Array(1), new DataView(new ArrayBuffer(8)), new Uint8Array(new SharedArrayBuffer(8))])
      for (const use of [() => crypto.getRandomValues(made), () => new TextDecoder().decode(made), () => new TextEncoder().encodeInto('xy', made), () => structuredClone(made), () => structuredClone(made, { transfer: [made.buffer] }),
        () => new ReadableStream({ type: 'bytes', start(controller) { controller.enqueue(made) } }).getReader().read()]) attempt(use)
    judge([]); 0`,
  ),
  web(
    'every method and getter on whatever is no such object',
    TRAPS,
    `for (const name of ${INTERFACES}) for (const holder of [globalThis[name], globalThis[name].prototype]) for (const key of Reflect.ownKeys(holder)) {
      const { value, get, set } = Reflect.getOwnPropertyDescriptor(holder, key)
      for (const call of [value, get, set]) if (typeof call === 'function') for (const self of [undefined, null, {}, trap({}), globalThis, Object.create(globalThis[name].prototype), trap(Object.create(holder))])
        attempt(() => Reflect.apply(call, self, [trap({}), trap({})])) }
    for (const self of [undefined, {}, trap({}), Object.create(crypto), performance]) { attempt(() => crypto.getRandomValues.call(self, new Uint8Array(1))); attempt(() => performance.now.call(self)) } 0`,
  ),
  web(
    'constructed for the prototype of something else',
    TRAPS,
    `for (const name of ${INTERFACES}) for (const newTarget of [trap(function () {}), trap(class {}), new Proxy(function () {}, { get(target, key, receiver) { judge(target); judge(receiver); return key === 'prototype' ? null : target[key] } }),
      trap(Date), trap(globalThis[name])]) { attempt(() => Reflect.construct(globalThis[name], ['x:', 'x:'], newTarget)); attempt(() => Reflect.construct(globalThis[name], [], newTarget)) }
    for (const name of ${INTERFACES}) attempt(() => new (class extends globalThis[name] { constructor(...args) { super(...args); judge(this); judge(new.target) } })('x:'))
    for (const name of ${FUNCTIONS}) attempt(() => Reflect.construct(globalThis[name], ['x'], trap(Date))); 0`,
  ),
  web(
    'with next to no stack left',
    `{ const kinds = [() => new URL('https://h/?a=1').searchParams, () => new URL('nonsense'), () => new TextDecoder().decode(new Uint8Array(2)), () => new TextDecoder('shift_jis'), () => new Event('x'), () => AbortSignal.abort(),
      () => AbortSignal.timeout(1), () => new DOMException('m'), () => structuredClone([new Map()]), () => crypto.getRandomValues(new Uint8Array(2)), () => crypto.randomUUID(), () => performance.now(), () => atob('*'),
      () => new ReadableStream(), () => new WritableStream().getWriter(), () => { const target = new EventTarget(); target.addEventListener('x', () => { throw new Error('m') }); return target.dispatchEvent(new Event('x')) }]
    for (const kind of kinds) judgeDepths(kind, 60, 2) } 0`,
  ),
  web(
    'the accessors that load them, with next to no stack left',
    `{ const described = []; for (const name of [...${INTERFACES}, ...${FUNCTIONS}, 'crypto', 'performance']) described.push(Reflect.getOwnPropertyDescriptor(globalThis, name))
    for (const { get, set, value } of described) { judge(value); if (get) { judge(get); judge(set); judgeDepths(() => get.call(undefined), 60, 1); judgeDepths(() => get.call({}), 30, 1)
      if (set) judgeDepths(() => set.call({}, 1), 30, 1) } } } 0`,
    ...WEB_USES,
  ),
])
