import { attack, attackWith } from '../support/attack.ts'
import { describeEscapes } from '../support/escapes.ts'

const KINDS: readonly (readonly [string, unknown])[] = [
  ['an object', { a: { b: {} } }],
  ['an array', [[1], { two: 2 }]],
  ['a Map', new Map<unknown, unknown>([['key', { value: [] }]])],
  ['a Set', new Set([{ member: true }])],
  ['a typed array', new Float64Array([1, 2])],
  ['an ArrayBuffer', new ArrayBuffer(8)],
  ['a DataView', new DataView(new ArrayBuffer(8), 2)],
  ['a Date', new Date(5)],
  ['a RegExp', /x(y)/giu],
  ['an error with a cause', new TypeError('wrong', { cause: new RangeError('deep', { cause: { deeper: [] } }) })],
  ['a boxed primitive', Object('text')],
]

/** Watches everything that a decoder could call by a name that the guest can change. */
const WATCH = `
  const watch = (holder, name, part = 'value') => {
    const described = Object.getOwnPropertyDescriptor(holder, name)
    const original = described[part]
    described[part] = function () { judge(this); judge(arguments); judge(new.target); return new.target ? Reflect.construct(original,
      arguments) : original.apply(this, arguments) }
    Object.defineProperty(holder, name, described)
  }
`

describeEscapes('injected values', [
  ...KINDS.map(([kind, value]) =>
    attack(`${kind} through set()`, 'escapes', { set: 'given', to: value }, 'judge(given); judge(given.constructor); 0'),
  ),
  ...KINDS.map(([kind, value]) =>
    attack(`${kind} as an argument`, 'escapes', 'function f(...args) { judge(args); judge(args[0]); judge(arguments); judge(this) } 0', {
      call: 'f',
      with: [value],
    }),
  ),
  attackWith(
    Object.fromEntries(KINDS),
    'globals that the context is made with',
    'escapes',
    `
    for (const name of ${JSON.stringify(KINDS.map(([kind]) => kind))}) { judge(globalThis[name]);
      judge(Reflect.getOwnPropertyDescriptor(globalThis, name)) } 0`,
  ),
  attack(
    'collections filled while their methods are the guest’s',
    'escapes',
    `{ ${WATCH}
    for (const [holder, name] of [[Map.prototype, 'set'], [Set.prototype, 'add'], [Array.prototype, 'push'], [Object, 'defineProperty'],
      [Reflect, 'defineProperty'],
      [Reflect, 'set'], [Reflect, 'construct'], [Reflect, 'apply'], [globalThis, 'Map'], [globalThis, 'Set'], [globalThis, 'Array'],
      [globalThis, 'Date']]) watch(holder, name) } 0`,
    { set: 'given', to: new Map<unknown, unknown>([[new Set([1]), [new Date(1)]]]) },
    'judge(given); judge([]); 0',
  ),
  attack(
    'bytes and texts decoded while their methods are the guest’s',
    'escapes',
    `{ ${WATCH}
    const typed = Object.getPrototypeOf(Uint8Array.prototype)
    for (const name of ['subarray', 'slice', 'set']) watch(typed, name)
    for (const name of ['buffer', 'byteLength', 'length']) watch(typed, name, 'get')
    watch(String, 'fromCharCode'); watch(ArrayBuffer.prototype, 'slice'); watch(DataView.prototype, 'getFloat64'); watch(globalThis,
      'RegExp'); watch(globalThis, 'Error') } 0`,
    { set: 'given', to: [new Uint8Array([1]), 'ä'.repeat(100), 1.5, /x/, new Error('e')] },
    'judge(given); judge(given[0].buffer); judge([]); 0',
  ),
  attack(
    'properties that meet setters on Object.prototype',
    'escapes',
    `
    for (const key of ['a', 'value', 'get', 'set', '0', 'writable', 'next', 'cause', 'message'])
      Object.defineProperty(Object.prototype, key, { __proto__: null, configurable: true, get() { judge(this); return undefined }, set(value) {
      judge(value); judge(this) } }); 0`,
    { set: 'given', to: { a: { value: { next: {} } } } },
    { set: 'other', to: new Error('m', { cause: { a: {} } }) },
    'judge(given); judge(other); 0',
  ),
  attack(
    'elements that meet setters on Array.prototype',
    'escapes',
    `
    for (let i = 0; i < 4; i++) Object.defineProperty(Array.prototype, i, { __proto__: null, configurable: true, set(value) { judge(value); judge(this) },
      get() { judge(this) } }); 0`,
    { set: 'given', to: [[{}], [{}]] },
    'judge(given); 0',
  ),
  attack(
    'a __proto__ key',
    'escapes',
    { set: 'given', to: JSON.parse('{"__proto__": {"polluted": {}}, "constructor": {"prototype": {}}}') },
    `
    judge(given); judge(Object.getPrototypeOf(given)); judge(({}).polluted); 0`,
  ),
  attack(
    'an error with a stack, printed again',
    'escapes',
    { set: 'given', to: new TypeError('of the host') },
    `
    judge(given); Error.prepareStackTrace = (error, sites) => { judge(error); judge(sites) };
      judge(Object.getOwnPropertyDescriptor(given, 'stack')); given.stack; 0`,
  ),
  attack(
    'arguments that change the function while they are decoded',
    'escapes',
    `
    var f = function () { judge(arguments) }
    Object.defineProperty(Object.prototype, 'trigger', { configurable: true, set(value) { judge(value); judge(this);
      f = (...args) => judge(args) } }); 0`,
    { call: 'f', with: [{ trigger: { a: 1 } }] },
  ),
  attack(
    'a large value, for which the buffers are made anew',
    'escapes',
    `
    const Real = Uint8Array; Uint8Array = function (...args) { judge(args); judge(new.target); return new Real(...args) }; 0`,
    { set: 'given', to: { text: 'x'.repeat(300_000), list: [{}] } },
    'judge(given); 0',
  ),
])
