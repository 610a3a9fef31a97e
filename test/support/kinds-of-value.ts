/**
 * The kinds of value that StructuredSerializeInternal of the HTML standard tells apart, as JavaScript: it makes the same value in a guest and in a host. Where ours keeps more than the
 * standard, or takes what it refuses, the row says so.
 */

/**
 * `make` is JavaScript for the value, evaluated here and in the guest; `check` holds in the guest for `v`, which came from here; `arrives` is JavaScript for what arrives, if that is
 * something else than what was sent.
 */
export type Row = [kind: string, make: string, check: string, arrives?: string]

const VIEW_CLASSES = [
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float16Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
  'DataView',
]
const sizeOf = (name: string): number =>
  (globalThis as unknown as Record<string, { BYTES_PER_ELEMENT?: number }>)[name]?.BYTES_PER_ELEMENT ?? 1

const PRIMITIVES: readonly Row[] = [
  ['undefined', 'undefined', 'v === undefined'],
  ['null', 'null', 'v === null'],
  ['true', 'true', 'v === true'],
  ['false', 'false', 'v === false'],
  ['0', '0', 'Object.is(v, 0)'],
  ['-0', '-0', 'Object.is(v, -0)'],
  ['a whole number', '-2147483649', 'v === -2147483649'],
  ['the largest safe integer', 'Number.MAX_SAFE_INTEGER', 'v === Number.MAX_SAFE_INTEGER'],
  ['a whole number beyond', '2 ** 60', 'v === 2 ** 60'],
  ['a fraction', '0.1', 'v === 0.1'],
  ['the smallest number', '5e-324', 'v === 5e-324'],
  ['the largest number', 'Number.MAX_VALUE', 'v === Number.MAX_VALUE'],
  ['NaN', 'NaN', 'Object.is(v, NaN)'],
  ['Infinity', 'Infinity', 'v === Infinity'],
  ['-Infinity', '-Infinity', 'v === -Infinity'],
  ['0n', '0n', 'v === 0n'],
  ['a negative bigint', '-1n', 'v === -1n'],
  ['a large bigint', '3n ** 999n', 'v === 3n ** 999n'],
  ['the empty string', "''", "v === ''"],
  ['an ASCII string', "'the quick brown fox jumps over a lazy dog while seven wizards mix jugs'", 'v.length === 70'],
  ['a string of two-byte characters', "'żółw'.repeat(100)", "v === 'żółw'.repeat(100)"],
  ['a string beyond the BMP', "'😀x'.repeat(300)", "v === '😀x'.repeat(300)"],
  ['a lone surrogate', "'a\\ud800b'", "v === 'a\\ud800b'"],
  ['control characters', "'\\0\\n\\x7f\\x80\\u2028'", "v === '\\0\\n\\x7f\\x80\\u2028'"],
  ['a long string', "'0123456789'.repeat(10000)", "v === '0123456789'.repeat(10000)"],
  ['a registered symbol (the standard refuses it)', "Symbol.for('glovebox.kind')", "v === Symbol.for('glovebox.kind')"],
  ['a well-known symbol (the standard refuses it)', 'Symbol.iterator', 'v === Symbol.iterator'],
]

const BOXED: readonly Row[] = [
  ['a Boolean object', 'Object(false)', 'v instanceof Boolean && v.valueOf() === false'],
  ['a Number object', 'Object(-0)', 'v instanceof Number && Object.is(v.valueOf(), -0)'],
  ['a BigInt object', 'Object(-7n)', 'v instanceof BigInt && v.valueOf() === -7n'],
  ['a String object', "Object('żabc')", "v instanceof String && v.valueOf() === 'żabc' && v.length === 4"],
  ['a Symbol object of a registered symbol', "Object(Symbol.for('k'))", "v instanceof Symbol && v.valueOf() === Symbol.for('k')"],
  ['one boxed value twice', '((n) => [n, n, Object(1)])(Object(1))', 'v[0] === v[1] && v[0] !== v[2] && v[0] instanceof Number'],
]

const LEAVES: readonly Row[] = [
  ['a Date', 'new Date(1234567890123)', 'v instanceof Date && v.getTime() === 1234567890123'],
  ['an invalid Date', 'new Date(NaN)', 'v instanceof Date && Number.isNaN(v.getTime())'],
  ['the first Date', 'new Date(-8.64e15)', 'v.getTime() === -8.64e15'],
  ['a Date with properties', 'Object.assign(new Date(1), { x: 1 })', "v instanceof Date && own(v) === ''", 'new Date(1)'],
  ['a RegExp', '/a\\/b[/]\\n/', "v instanceof RegExp && v.source === 'a\\\\/b[/]\\\\n' && v.flags === ''"],
  ['a RegExp with flags', '/(?<x>a)|b/dgimsuy', "v.flags === 'dgimsuy' && v.exec('zA') === null"],
  ['a RegExp with the flag v', '/[\\p{L}--a]/v', "v.unicodeSets && v.test('b') && !v.test('a')"],
  ['a RegExp in the middle of a search', '((r) => (r.test("aa"), r))(/a/g)', 'v.lastIndex === 0', '/a/g'],
]

const BUFFERS: readonly Row[] = [
  ['an ArrayBuffer', 'new Uint8Array([1, 2, 255]).buffer', "v instanceof ArrayBuffer && hex(v) === '1,2,ff' && !v.resizable"],
  ['an empty ArrayBuffer', 'new ArrayBuffer(0)', 'v instanceof ArrayBuffer && v.byteLength === 0'],
  [
    'a resizable ArrayBuffer',
    '((b) => (new Uint8Array(b).set([7, 8]), b))(new ArrayBuffer(2, { maxByteLength: 16 }))',
    "v.resizable && v.maxByteLength === 16 && hex(v) === '7,8' && (v.resize(16), v.byteLength === 16)",
  ],
  [
    'a resizable ArrayBuffer at its maximum',
    'new ArrayBuffer(8, { maxByteLength: 8 })',
    'v.resizable && v.byteLength === 8 && v.maxByteLength === 8',
  ],
  [
    'an empty resizable ArrayBuffer',
    'new ArrayBuffer(0, { maxByteLength: 64 })',
    'v.resizable && v.byteLength === 0 && (v.resize(64), true)',
  ],
  ['one ArrayBuffer twice', '((b) => [b, b, new ArrayBuffer(4)])(new ArrayBuffer(4))', 'v[0] === v[1] && v[1] !== v[2]'],
]

/** `SIZE` is the size of an element. */
const OF_EACH_VIEW: readonly Row[] = [
  ['NAME', 'new NAME(Uint8Array.from({ length: 16 }, (_, i) => i * 17).buffer)', "v instanceof NAME && hex(v).startsWith('0,11,22,33,44')"],
  [
    'NAME at an offset',
    'new NAME(new Uint8Array(32).fill(9).buffer, 8, 8 / SIZE)',
    'v.byteOffset === 8 && v.byteLength === 8 && v.buffer.byteLength === 32',
  ],
  [
    'NAME of no elements, at the end',
    'new NAME(new ArrayBuffer(16), 16)',
    'v.byteLength === 0 && v.byteOffset === 16 && v.buffer.byteLength === 16',
  ],
  ['NAME of an empty buffer', 'new NAME(new ArrayBuffer(0))', 'v.byteLength === 0 && v.buffer.byteLength === 0'],
  [
    'NAME that follows its buffer',
    'new NAME(new ArrayBuffer(16, { maxByteLength: 64 }), 8)',
    'v.byteOffset === 8 && v.byteLength === 8 && (v.buffer.resize(64), v.byteLength === 56) && (v.buffer.resize(16), true)',
  ],
  [
    'NAME that does not follow its buffer',
    'new NAME(new ArrayBuffer(16, { maxByteLength: 64 }), 8, 8 / SIZE)',
    'v.byteLength === 8 && (v.buffer.resize(64), v.byteLength === 8) && (v.buffer.resize(16), true)',
  ],
  [
    'NAME that follows a full buffer',
    'new NAME(new ArrayBuffer(16, { maxByteLength: 16 }), 8)',
    'v.byteLength === 8 && (v.buffer.resize(8), v.byteLength === 0) && (v.buffer.resize(16), v.byteLength === 8)',
  ],
  [
    'NAME beside its buffer and another view',
    '((b) => ({ view: new NAME(b, 8), b, bytes: new Uint8Array(b) }))(new ArrayBuffer(16))',
    'v.view.buffer === v.b && v.bytes.buffer === v.b && (v.bytes[8] = 1, v.bytes[9] = 0, new Uint8Array(v.view.buffer, 8)[0] === 1) && (v.bytes[8] = 0, true)',
  ],
]

const VIEWS: readonly Row[] = VIEW_CLASSES.flatMap((name) => {
  const of = (text: string): string => text.replaceAll('NAME', name).replaceAll('SIZE', String(sizeOf(name)))
  return OF_EACH_VIEW.map(([kind, make, check]): Row => [of(kind), of(make), of(check)])
})

const COLLECTIONS: readonly Row[] = [
  ['an empty Map', 'new Map()', 'v instanceof Map && v.size === 0'],
  [
    'a Map, in its order, with keys of any kind',
    "new Map([['b', 1], [NaN, 2], [{ k: 1 }, [3]], [undefined, null], ['a', new Map([[1, 1]])]])",
    "[...v.keys()].map((k) => typeof k).join() === 'string,number,object,undefined,string' && v.get(NaN) === 2 && v.get('a') instanceof Map && plain([...v.keys()][2])",
  ],
  ['a Map that contains itself', '((m) => m.set(m, new Set([m])))(new Map())', 'v.get(v).has(v) && v.size === 1'],
  ['a Map with properties', 'Object.assign(new Map([[1, 2]]), { x: 1 })', "own(v) === '' && v.get(1) === 2", 'new Map([[1, 2]])'],
  [
    'an instance of a subclass of Map',
    'new (class M extends Map {})([[1, 2]])',
    'Object.getPrototypeOf(v) === Map.prototype && v.get(1) === 2',
    'new Map([[1, 2]])',
  ],
  ['an empty Set', 'new Set()', 'v instanceof Set && v.size === 0'],
  [
    'a Set, in its order',
    "new Set(['z', 1, 1, NaN, NaN, null, undefined, 'a', {}])",
    "v.size === 7 && [...v][0] === 'z' && [...v][5] === 'a' && plain([...v][6])",
  ],
  ['a Set that contains itself', '((s) => s.add(s))(new Set())', 'v.has(v) && v.size === 1'],
]

const ERROR_CLASSES = ['Error', 'EvalError', 'RangeError', 'ReferenceError', 'SyntaxError', 'TypeError', 'URIError']
/** Stacks name files of where the error was made, so rows set them; a stack from here does not cross at all. */
const ERRORS: readonly Row[] = [
  ...ERROR_CLASSES.map(
    (name): Row => [
      name,
      `Object.defineProperty(new ${name}('went wrong'), 'stack', { value: '${name}: went wrong', writable: true, configurable: true })`,
      `v instanceof ${name} && Object.getPrototypeOf(v) === ${name}.prototype && Error.isError(v) && v.name === '${name}' && v.message === 'went wrong' && Object.keys(v).length === 0`,
    ],
  ),
  ['an Error without a message', "((e) => (e.stack = 'Error', e))(new Error())", "!Object.hasOwn(v, 'message') && v.message === ''"],
  ['an Error with an empty message', "((e) => (e.stack = 'Error', e))(new Error(''))", "Object.hasOwn(v, 'message') && v.message === ''"],
  [
    'an Error with a cause',
    "((e) => (e.stack = 'Error: outer', e.cause.stack = 'TypeError: inner', e))(new Error('outer', { cause: new TypeError('inner', { cause: [undefined] }) }))",
    "v.cause instanceof TypeError && v.cause.message === 'inner' && v.cause.cause[0] === undefined && !Object.keys(v).includes('cause')",
  ],
  [
    'an Error that is its own cause',
    "((e) => (e.stack = 'Error: x', Object.defineProperty(e, 'cause', { value: e, writable: true, configurable: true })))(new Error('x'))",
    'v.cause === v',
  ],
  [
    'an AggregateError',
    "((e) => (e.stack = 'AggregateError: all', e))(new AggregateError([1, 'two', null], 'all'))",
    "v instanceof AggregateError && v.errors.length === 3 && v.errors[1] === 'two' && v.errors instanceof Array && !Object.keys(v).includes('errors')",
  ],
  [
    'a SuppressedError',
    "((e) => (e.stack = 'SuppressedError: both', e))(new SuppressedError(1, 'two', 'both'))",
    "v instanceof SuppressedError && v.error === 1 && v.suppressed === 'two'",
  ],
  [
    'an Error with properties (the standard drops them)',
    "Object.assign(new RangeError('m'), { stack: 'RangeError: m', code: 'ERR_X', detail: { at: [1, new Date(2)] } })",
    "v.code === 'ERR_X' && v.detail.at[1] instanceof Date && Object.keys(v).join() === 'code,detail'",
  ],
  [
    'an instance of a subclass of an error',
    "((e) => (e.stack = 'NotFound: x', e))(new (class NotFound extends RangeError { name = 'NotFound'; status = 404 })('x'))",
    "Object.getPrototypeOf(v) === RangeError.prototype && v.name === 'NotFound' && v.status === 404",
    "Object.assign(new RangeError('x'), { stack: 'NotFound: x', name: 'NotFound', status: 404 })",
  ],
  [
    'a frozen Error',
    "Object.freeze(((e) => (e.stack = 'Error: x', e))(new Error('x')))",
    "v.message === 'x' && !Object.isFrozen(v)",
    "((e) => (e.stack = 'Error: x', e))(new Error('x'))",
  ],
  [
    'what only inherits from Error',
    'Object.create(Error.prototype, { x: { value: 1, enumerable: true } })',
    'plain(v) && !Error.isError(v) && v.x === 1',
    '({ x: 1 })',
  ],
]

const ARRAYS: readonly Row[] = [
  ['an empty array', '[]', 'Array.isArray(v) && v instanceof Array && v.length === 0'],
  ['an array', "[1, 'two', [3], null, undefined, -0]", 'v.length === 6 && v[2] instanceof Array && 4 in v && Object.is(v[5], -0)'],
  ['an array of 70,000', 'Array.from({ length: 70000 }, (_, i) => i)', 'v.length === 70000 && v[69999] === 69999'],
  ['an array with holes', '[1, , 3, , ]', 'v.length === 4 && !(1 in v) && !(3 in v) && v[2] === 3'],
  ['an array of holes', 'new Array(5)', "v.length === 5 && own(v) === 'length'"],
  [
    'a vast sparse array',
    'Object.assign([], { length: 4294967295, 4294967294: 1, 7: 2 })',
    "v.length === 4294967295 && own(v) === '7,4294967294,length'",
  ],
  ['an array with properties', "Object.assign([1, 2], { x: 1, 'a b': [] })", "own(v) === '0,1,length,x,a b' && v.length === 2"],
  ['the result of a match', "'abc'.match(/b(?<g>x)?/)", "v.index === 1 && v.input === 'abc' && v[0] === 'b' && 'g' in v.groups"],
  [
    'an instance of a subclass of Array',
    'new (class L extends Array {})(1, 2)',
    'Object.getPrototypeOf(v) === Array.prototype && v.length === 2',
    '[1, 2]',
  ],
  ['a frozen array', 'Object.freeze([1])', '!Object.isFrozen(v) && v.push(2) === 2', '[1]'],
  ['an array that contains itself', '((a) => (a.push(a), a))([1])', 'v[1] === v && v.length === 2'],
]

const OBJECTS: readonly Row[] = [
  ['an empty object', '({})', "plain(v) && own(v) === ''"],
  ['an object, in its order', "({ z: 1, a: 2, 10: 3, 9: 4, '': 5, m: 6, '-1': 7, '01': 8 })", "plain(v) && own(v) === '9,10,z,a,,m,-1,01'"],
  [
    'an object of 2,000 properties',
    "Object.fromEntries(Array.from({ length: 2000 }, (_, i) => ['k' + i, i]))",
    'plain(v) && v.k1999 === 1999 && Object.keys(v).length === 2000',
  ],
  [
    'own keys that prototypes have',
    `JSON.parse('{"__proto__":{"polluted":1},"constructor":1,"toString":2,"hasOwnProperty":3,"valueOf":null,"then":4,"length":5,"__defineGetter__":6}')`,
    "Object.getPrototypeOf(v) === Object.prototype && own(v) === '__proto__,constructor,toString,hasOwnProperty,valueOf,then,length,__defineGetter__' && v.polluted === undefined && ({}).polluted === undefined",
  ],
  [
    'keys that are no identifiers',
    "({ 'é': 1, '😀': 2, '\\ud800': 3, 'a.b': 4, ['k'.repeat(300)]: 5 })",
    "plain(v) && v['\\ud800'] === 3 && v['k'.repeat(300)] === 5",
  ],
  [
    'index-like keys',
    "({ 0: 'a', 31: 'b', 32: 'c', 4294967294: 'd', 4294967295: 'e' })",
    "own(v) === '0,31,32,4294967294,4294967295' && v[32] === 'c'",
  ],
  [
    'an object without a prototype (the standard gives it one)',
    'Object.assign(Object.create(null), { a: 1, toString: 2 })',
    "plain(v, null) && own(v) === 'a,toString'",
  ],
  [
    'an instance of a class',
    'new (class Point { x = 1; #y = 2; get y() { return this.#y } static z = 3 })()',
    "plain(v) && own(v) === 'x'",
    '({ x: 1 })',
  ],
  [
    'an object with a prototype of its own',
    'Object.create({ inherited: 1 }, { x: { value: 1, enumerable: true } })',
    "plain(v) && own(v) === 'x' && !('inherited' in v)",
    '({ x: 1 })',
  ],
  ['a getter', '({ get a() { return [this.b] }, b: 2 })', 'plain(v) && v.a[0] === 2', '({ a: [2], b: 2 })'],
  [
    'symbol keys and hidden properties',
    "Object.defineProperty({ [Symbol('s')]: 1, a: 1 }, 'hidden', { value: 2 })",
    "own(v) === 'a'",
    '({ a: 1 })',
  ],
  ['a frozen object', 'Object.freeze({ a: Object.freeze({}) })', '!Object.isFrozen(v) && plain(v) && plain(v.a)', '({ a: {} })'],
  [
    'an arguments object',
    '(function () { return arguments })(1, 2)',
    "plain(v) && own(v) === '0,1' && !Array.isArray(v)",
    '({ 0: 1, 1: 2 })',
  ],
  [
    'a Proxy of an object (the standard refuses it)',
    'new Proxy({ a: 1, b: [2] }, {})',
    "plain(v) && own(v) === 'a,b'",
    '({ a: 1, b: [2] })',
  ],
  ['a Proxy of an array (the standard refuses it)', 'new Proxy([1, [2]], {})', 'Array.isArray(v) && v.length === 2', '[1, [2]]'],
  ['a toJSON of its own', "({ a: 1, toJSON: 'not called' })", "v.toJSON === 'not called'"],
  ['Math', 'Math', "plain(v) && own(v) === ''", '({})'],
]

const IDENTITY: readonly Row[] = [
  ['one object three times', '((o) => [o, { o }, new Map([[o, o]])])({ a: 1 })', 'v[0] === v[1].o && v[2].get(v[0]) === v[0]'],
  ['two equal objects', '[{ a: 1 }, { a: 1 }, [], []]', 'v[0] !== v[1] && v[2] !== v[3]'],
  [
    'one Date, one RegExp, one Error twice',
    "((d, r, e) => (e.stack = 'Error: e', [d, d, r, r, e, e]))(new Date(1), /x/, new Error('e'))",
    'v[0] === v[1] && v[2] === v[3] && v[4] === v[5]',
  ],
  ['an object that contains itself', '((o) => (o.self = o, o.list = [o], o))({ a: 1 })', 'v.self === v && v.list[0] === v'],
  ['objects that contain each other', '((a, b) => (a.b = b, b.a = a, [a, b]))({}, {})', 'v[0].b === v[1] && v[1].a === v[0]'],
  [
    'a graph of 1,000',
    '((all) => (all.forEach((o, i) => { o.next = all[(i * 7 + 1) % 1000] }), all))(Array.from({ length: 1000 }, (_, i) => ({ i })))',
    'v.every((o, i) => o.next === v[(i * 7 + 1) % 1000] && o.i === i)',
  ],
  [
    'a view, a map and an error in one cycle',
    "((m, e) => (e.stack = 'Error: e', e.m = m.set('v', new Uint8Array(2)), m.set('e', e)))(new Map(), new Error('e'))",
    "v.get('e').m === v && v.get('v').length === 2",
  ],
]

export const KINDS: Readonly<Record<string, readonly Row[]>> = {
  PRIMITIVES,
  BOXED,
  LEAVES,
  BUFFERS,
  VIEWS,
  COLLECTIONS,
  ERRORS,
  ARRAYS,
  OBJECTS,
  IDENTITY,
}
