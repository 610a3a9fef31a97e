/** Calls `f(owner, key, descriptor)` for every configurable property of every built-in; everything is collected first. */
const every = `(owners, f) => {
  const found = []
  for (const owner of owners) for (const key of Reflect.ownKeys(owner)) {
    const descriptor = Object.getOwnPropertyDescriptor(owner, key)
    if (descriptor.configurable) found[found.length] = [owner, key, Object.setPrototypeOf(descriptor, null)]
  }
  for (let i = 0; i < found.length; i++) f(found[i][0], found[i][1], found[i][2])
}`
const classes = `[Object, Function, Array, String, Number, Boolean, BigInt, Symbol, Map, Set, WeakMap, WeakSet, Date, RegExp, Error, RangeError, TypeError, AggregateError,
  Promise, ArrayBuffer, SharedArrayBuffer, DataView, Uint8Array, Uint16Array, Object.getPrototypeOf(Uint8Array)]`
const prototypes = `[...${classes}.map((c) => c.prototype), Object.getPrototypeOf(function* () {}.prototype),
  Object.getPrototypeOf([].values()), Object.getPrototypeOf(new Map().entries()), Object.getPrototypeOf(new Set().values())]`

/** Names that some code of ours gives or asks for: as object keys, options or parts of descriptors. */
const names = `['a', 'arr', 'i', 'self', 'k', 'text', 'message', 'cause', 'get', 'set', 'value', 'writable', 'enumerable', 'maxByteLength', 'maxBytes',
  'maxDepth', 'maxItems', 'errorStacks', 'strings', 'next', 'done', 'busy', 'position', 'code', 'path', 'depth', 'hidden', 'lineWidth', 'budget', 'left', 'omitted',
  'indentation', 'entered', 'around', 'references', 'kind', 'name', 'custom', 'keys', 'base', 'open', 'close', 'bare', 'stack', 'errors', 'groups', 'counts', 'timers',
  'width', 'cells', 'title', 'groupIndex', 'probe', 'label']`

/** Scripts that spoil a realm, as hostile guests do, by name. What is `kept` are globals that the test itself still needs. */
export const tamperings = (kept: readonly string[]): [string, string][] => [
  ['nothing', ''],
  [
    'accessors for indices on Array.prototype',
    `for (let i = 0; i < 3000; i++) Object.defineProperty(Array.prototype, i, { __proto__: null, set() { throw 'set' }, get() { throw 'get' } })`,
  ],
  [
    'accessors for indices on Object.prototype',
    `for (let i = 0; i < 3000; i++) Object.defineProperty(Object.prototype, i, { __proto__: null, set() { throw 'set' }, get() { throw 'get' } })`,
  ],
  [
    'accessors for names on Object.prototype',
    `for (const k of ${names}) Object.defineProperty(Object.prototype, k, { __proto__: null, set() { throw 'set ' + k }, get() { throw 'get ' + k } })`,
  ],
  ['enumerable properties on Object.prototype', `Object.prototype.given = 1; Object.prototype[7] = 2; Object.prototype.i = 3`],
  [
    'another prototype for Array.prototype',
    `Object.setPrototypeOf(Array.prototype, new Proxy({}, { get() { throw 'get' }, set() { throw 'set' }, has() { throw 'has' } }))`,
  ],
  ['no iterators', `(${every})(${prototypes}, (owner, key) => { if (key === Symbol.iterator || key === 'next') delete owner[key] })`],
  [
    'hostile constructors',
    `const { defineProperty } = Reflect
     ;(${every})(${prototypes}, (owner, key) => { if (key === 'constructor') defineProperty(owner, key, { __proto__: null, get() { throw 'constructor' } }) })`,
  ],
  [
    'every method and getter replaced',
    `const { defineProperty } = Reflect
     ;(${every})(${prototypes}, (owner, key, { value, get }) => {
       if (get) defineProperty(owner, key, { __proto__: null, get() { throw 'replaced getter' } })
       else if (typeof value === 'function' && key !== 'constructor') defineProperty(owner, key, { __proto__: null, value() { throw 'replaced method' } })
     })`,
  ],
  [
    'every static function replaced',
    `const { defineProperty } = Reflect
     ;(${every})([...${classes}, Reflect, Math, JSON], (owner, key, { value, get }) => {
       if (get || typeof value === 'function') defineProperty(owner, key, { __proto__: null, get() { throw 'replaced' } })
     })`,
  ],
  ['no globals', `(${every})([globalThis], (owner, key) => { if (!${JSON.stringify(kept)}.includes(key)) delete owner[key] })`],
  ['a hostile prepareStackTrace', `Error.prepareStackTrace = () => { throw 'prepare' }`],
]
