import { Console } from 'node:console'
import { Writable } from 'node:stream'
import { format, inspect } from 'node:util'
import { expect, test } from 'vitest'
import type { ConsoleLevel } from '../../src/protocol/guest-messages.ts'
import { MAX_CONSOLE_TEXT } from '../../src/protocol/limits.ts'
import { createConsole } from '../../src/worker/realm/console.ts'
import { type ConsoleRealm, makeConsoleRealm } from '../support/console-realm.ts'
import { tamperings } from '../support/tamperings.ts'

type Event = [level: ConsoleLevel, text: string, args: number]

/** A realm with a console whose events are kept: level, text and number of arguments. Its clock is the global `clock`. */
async function makeConsole(): Promise<(code: string) => Event[]> {
  const realm = await makeConsoleRealm('var clock = 1_000; Date.now = () => clock')
  const events: Event[] = []
  realm.context['emit'] = (level: ConsoleLevel, text: string, args: unknown[]) => events.push([level, text, args.length])
  realm.run('var console = side.createConsole({ emit })')
  return (code) => {
    realm.run(code)
    return events.splice(0)
  }
}

const METHODS = [
  'assert',
  'clear',
  'debug',
  'error',
  'info',
  'log',
  'table',
  'trace',
  'warn',
  'dir',
  'dirxml',
  'count',
  'countReset',
  'group',
  'groupCollapsed',
  'groupEnd',
  'time',
  'timeLog',
  'timeEnd',
]

test('the console is a namespace object as Web IDL has it', () => {
  const console = createConsole({ emit() {} })
  const properties = Object.getOwnPropertyDescriptors(console) as Record<string, PropertyDescriptor>
  expect(Object.keys(properties)).toEqual(METHODS)
  for (const name of METHODS) {
    const { value, ...attributes } = properties[name]!
    expect(attributes).toEqual({ writable: true, enumerable: true, configurable: true })
    expect([name, value.name, value.length, 'prototype' in value]).toEqual([name, name, 0, false])
  }
  expect(Object.getOwnPropertyDescriptor(console, Symbol.toStringTag)).toEqual({
    value: 'console',
    writable: false,
    enumerable: false,
    configurable: true,
  })
  expect(Object.prototype.toString.call(console)).toBe('[object console]')
  const proto = Object.getPrototypeOf(console) as object
  expect(Reflect.ownKeys(proto)).toEqual([])
  expect(Object.getPrototypeOf(proto)).toBe(Object.prototype)
})

test.each<[string, Event[]]>([
  ['console.log()', [['log', '', 0]]],
  ["console.log('a', 1, { b: 2 })", [['log', 'a 1 { b: 2 }', 3]]],
  ["console.debug('a')", [['debug', 'a', 1]]],
  ["console.info('a')", [['info', 'a', 1]]],
  ["console.warn('a')", [['warn', 'a', 1]]],
  ["console.error('a')", [['error', 'a', 1]]],
  ["console.dirxml('%s', 1, 2)", [['log', '1 2', 3]]],
  ["const { log } = console; log('detached')", [['log', 'detached', 1]]],
  ["console.log.call(1, 'a')", [['log', 'a', 1]]],
  [
    'console.log(console)',
    [['log', 'Object [console] {\n' + METHODS.map((name) => `  ${name}: [Function: ${name}]`).join(',\n') + '\n}', 1]],
  ],

  ['console.assert(true)', []],
  ['console.assert(1, 2)', []],
  ['console.assert()', [['error', 'Assertion failed', 0]]],
  ["console.assert(false, 'why %s', 1)", [['error', 'Assertion failed: why 1', 2]]],
  ['console.assert(0, { a: 1 })', [['error', 'Assertion failed { a: 1 }', 1]]],
  ['console.assert(0, undefined)', [['error', 'Assertion failed undefined', 1]]],

  ['console.dir({ a: { b: { c: { d: 1 } } } })', [['log', '{ a: { b: { c: [Object] } } }', 1]]],
  ['console.dir({ a: { b: { c: { d: 1 } } } }, { depth: 0 })', [['log', '{ a: [Object] }', 1]]],
  ['console.dir({ a: { b: { c: { d: { e: 1 } } } } }, { depth: null })', [['log', '{\n  a: {\n    b: { c: { d: { e: 1 } } }\n  }\n}', 1]]],
  ['console.dir({ a: { b: 1 } }, { depth: -1 })', [['log', '[Object]', 1]]],
  ['console.dir([1], { showHidden: true })', [['log', '[ 1, [length]: 1 ]', 1]]],
  ['console.dir([], { get depth() { throw 1 } })', [['log', '[]', 1]]],
  ["console.dir('%s', 1)", [['log', "'%s'", 1]]],
  ['console.dir()', [['log', 'undefined', 1]]],

  [
    'console.count(); console.count(); console.count("a")',
    [
      ['info', 'default: 1', 0],
      ['info', 'default: 2', 0],
      ['info', 'a: 1', 0],
    ],
  ],
  [
    'console.count(); console.countReset(); console.count()',
    [
      ['info', 'default: 1', 0],
      ['info', 'default: 1', 0],
    ],
  ],
  ['console.countReset("x")', [['warn', "Count for 'x' does not exist", 0]]],
  [
    'console.count(null); console.count({ toString: () => "o" }); console.count("%s")',
    [
      ['info', 'null: 1', 0],
      ['info', 'o: 1', 0],
      ['info', '%s: 1', 0],
    ],
  ],

  [
    'console.time(); clock += 12; console.timeLog(); clock += 1488; console.timeEnd()',
    [
      ['log', 'default: 12ms', 0],
      ['info', 'default: 1.500s', 0],
    ],
  ],
  ['console.time("a"); clock += 62_500; console.timeLog("a", "x", { b: 1 })', [['log', 'a: 1:02.500 (m:ss.mmm) x { b: 1 }', 2]]],
  ['console.time("a"); clock += 3_723_004; console.timeEnd("a")', [['info', 'a: 1:02:03.004 (h:mm:ss.mmm)', 0]]],
  ['console.time("a"); clock -= 5; console.timeEnd("a")', [['info', 'a: 0ms', 0]]],
  ['console.time("a"); console.time("a")', [['warn', "Label 'a' already exists for console.time()", 0]]],
  ['console.timeLog("a", 1)', [['warn', "No such label 'a' for console.timeLog()", 0]]],
  ['console.timeEnd("a")', [['warn', "No such label 'a' for console.timeEnd()", 0]]],
  [
    'console.time("a"); console.timeEnd("a"); console.timeEnd("a")',
    [
      ['info', 'a: 0ms', 0],
      ['warn', "No such label 'a' for console.timeEnd()", 0],
    ],
  ],

  [
    'console.group(); console.log("a\\nb"); console.groupEnd(); console.log("c")',
    [
      ['log', '  a\n  b', 1],
      ['log', 'c', 1],
    ],
  ],
  [
    'console.group("g%d", 1); console.groupCollapsed("h"); console.warn("a")',
    [
      ['log', 'g1', 2],
      ['log', '  h', 1],
      ['warn', '    a', 1],
    ],
  ],
  [
    'console.group("g"); console.group("h"); console.clear(); console.log("a")',
    [
      ['log', 'g', 1],
      ['log', '  h', 1],
      ['log', 'a', 1],
    ],
  ],
  [
    'console.groupEnd(); console.group("g"); console.log("a")',
    [
      ['log', 'g', 1],
      ['log', '  a', 1],
    ],
  ],
  [
    'console.group("g"); console.count(); console.table([1])',
    [
      ['log', 'g', 1],
      ['info', '  default: 1', 0],
      ['log', '  ┌─────────┬────────┐\n  │ (index) │ Values │\n  ├─────────┼────────┤\n  │ 0       │ 1      │\n  └─────────┴────────┘', 0],
    ],
  ],
  [
    'for (let i = 0; i < 1000; i++) console.group(); console.log("a"); for (let i = 0; i < 1000; i++) console.groupEnd(); console.log("b")',
    [
      ['log', `${' '.repeat(80)}a`, 1],
      ['log', 'b', 1],
    ],
  ],

  [
    '(function f() { (function g() { console.trace("why %s", 1) })() })()',
    [['trace', 'Trace: why 1\n    at g (guest.js:1:41)\n    at f (guest.js:1:62)\n    at guest.js:1:67', 2]],
  ],
  ['console.trace()', [['trace', 'Trace\n    at guest.js:1:9', 0]]],
  ['Error.stackTraceLimit = 0; console.trace("a")', [['trace', 'Trace: a', 1]]],
  ['Error.stackTraceLimit = "x"; console.trace("a")', [['trace', 'Trace: a', 1]]],
])('%s', async (code, expected) => {
  const run = await makeConsole()
  const events = run(code).map(([level, text, args]): Event => [level, withoutNode(text), args])
  expect(events).toEqual(expected)
})

/** In a worker only the guest's frames are in a stack. */
const withoutNode = (text: string): string => text.replace(/\n {4}at (?!.*guest\.js).*/g, '')

/** Arguments of `log` whose text is that of `util.format`. */
test.each([
  "'%s', 1",
  "'%s', -0",
  "'%s', 1n",
  "'%s', 'x'",
  "'%s', Symbol('a')",
  "'%s', undefined",
  "'%s', null",
  "'%s', { a: { b: 1 } }",
  "'%s', [1, [2]]",
  "'%s', () => 1",
  "'%s', class A {}",
  "'%s', { toString() { return 'T' } }",
  "'%s', new (class A { toString() { return 'T' } })",
  "'%s', new (class B extends (class A { toString() { return 'T' } }) {})",
  "'%s', new Date(0)",
  "'%s', new Error('x')",
  "'%s', new (class E extends Error {})('x')",
  "'%s', Object.create(null)",
  "'%s', { [Symbol.toPrimitive]() { return 'P' } }",
  "'%s', new (class A { [Symbol.toPrimitive]() { return 'P' } })",
  "'%s', { toString: 1 }",
  "'%s', new Map([[1, { a: 1 }]])",
  "'%s', Object(1)",
  "'%s'",
  "'%s', { get toString() { return () => 'G' } }",
  "'%s', new (class Foo {})",
  "'%s', Math",
  "'%s', new Uint8Array(2)",
  "'%s', /x/",
  "'%s %s', 'a'",
  "'%s', 'a', 'b', { c: 1 }",
  "'%d', 5",
  "'%d', '5x'",
  "'%d', '42'",
  "'%d', 5n",
  "'%d', Symbol('x')",
  "'%d', {}",
  "'%d', -0",
  "'%d', { valueOf() { return 3 } }",
  "'%d', null",
  "'%i', '42.9px'",
  "'%i', 42.9",
  "'%i', 5n",
  "'%i', {}",
  "'%i', Symbol('x')",
  "'%i', -0.5",
  "'%f', '1.5x'",
  "'%f', 5n",
  "'%f', Symbol('x')",
  "'%f', ''",
  "'%j', { a: [1] }",
  "'%j', undefined",
  "'%j', () => 1",
  "'%j', { toJSON() { return 'J' } }",
  "'%j', (() => { const a = {}; a.a = a; return a })()",
  "'%o', { a: 1, f() {} }",
  "'%o', [1, 2]",
  "'%o', function f() {}",
  "'%o', class A {}",
  "'%o', new Map([[1, { a: { b: { c: { d: {} } } } }]])",
  "'%O', { a: { b: { c: { d: {} } } } }",
  "'%c', 'color:red', 'x'",
  "'a%cb', 'x'",
  "'%%'",
  "'%%', 1",
  "'%%%s', 'x'",
  "'%s%%', 'x'",
  "'%x', 'a'",
  "'%', 'a'",
  "'a%'",
  "'a%', 'b'",
  "'100%', 'b'",
  "'%s%d%i', 'a', 1, 2, 3",
  '1, 2, 3',
  "'a', { b: 1 }",
  "{ a: 1 }, 'b'",
  'null',
  'undefined',
  "''",
  "'', 'a'",
  "'%s %%s %s', 'a', 'b'",
  "'%%s', 'a'",
  "'%s', 'two\\nlines', ['x']",
  "'%S', 'a'",
  "'%a%s', 'b'",
  "'%%%'",
  "'%%%', 'x'",
  "'%%x%', 'x'",
  "Symbol('a'), 'b'",
])('log(%s)', async (args) => {
  const realm = await makeConsoleRealm()
  const values = realm.run(`[${args}]`) as unknown[]
  expect(textOf(realm, 'log')(values)).toBe(format(...values))
})

const CELLS = [
  '[1, 2, 3]',
  '[[1, 2], [3, 4, 5]]',
  "[{ a: 1, b: 'x' }, { a: 2, c: { d: 1 } }]",
  '({ x: { a: 1 }, y: { b: 2 } })',
  "new Map([['a', 1], [{ b: 1 }, [1, 2, 3, 4]]])",
  "new Set([1, 'a'])",
  '[]',
  '({})',
  '5',
  "'x'",
  'null',
  'undefined',
  '() => 1',
  '[1, { a: 2 }, [3]]',
  '[{ a: { b: 1, c: 2, d: 3 } }]',
  "[{ 2: 'x', 1: 'y', a: 'z' }]",
  '[() => 1]',
  "['日本', '😀x', 'é', '\u0301']",
  '[{ a: [1, 2, 3, 4, 5] }]',
  "['x'.repeat(50)]",
  '[[new Map([[1, 2]])]]',
  'new Uint8Array(3)',
  '[{ a: undefined, b: null }]',
  '[new Date(0)]',
  '[, 1]',
  '[[]]',
  '[{}]',
  "[{ a: 'two\\nlines' }]",
  "new Map([[1, 'a']])",
  'new Set()',
  'new Map()',
]
test.each(CELLS.flatMap((data) => ['', ", ['a']", ", ['a', 'zz', 1]"].map((columns) => data + columns)))('table(%s)', async (args) => {
  const realm = await makeConsoleRealm()
  const values = realm.run(`[${args}]`) as [unknown, string[]]
  let expected = ''
  const stdout = new Writable({
    write(chunk, _, done) {
      expected += String(chunk)
      done()
    },
  })
  new Console({ stdout, colorMode: false }).table(...values)
  expect(`${textOf(realm, 'table')(values)}\n`).toBe(expected)
})

/** Calls a method in the guest's realm; returns the text. */
function textOf(realm: ConsoleRealm, method: string): (args: unknown[]) => string {
  return realm.run(
    `(args) => { let text; const console = side.createConsole({ emit: (level, t) => { text = t } }); console.${method}(...args); return text }`,
  ) as (args: unknown[]) => string
}

const LIMIT = MAX_CONSOLE_TEXT
const x = (count: number): string => 'x'.repeat(count)

test.each<[string, string]>([
  [`log('x'.repeat(${LIMIT}))`, x(LIMIT)],
  [`log('x'.repeat(${LIMIT + 1}))`, `${x(LIMIT)}... 1 more character`],
  [`log('x'.repeat(1e6))`, `${x(LIMIT)}... ${1e6 - LIMIT} more characters`],
  [`log('a', 'x'.repeat(1e6))`, `a ${x(LIMIT - 2)}... ${1e6 + 2 - LIMIT} more characters`],
  [`log('%s', 'x'.repeat(1e6))`, `${x(LIMIT)}... ${1e6 - LIMIT} more characters`],
  [`log('%s', { toString: () => 'x'.repeat(1e6) })`, `${x(LIMIT)}... ${1e6 - LIMIT} more characters`],
  [`log('%j', 'x'.repeat(1e6))`, `"${x(LIMIT - 1)}... ${1e6 + 2 - LIMIT} more characters`],
  // No half of a character is left.
  [`log('x' + '😀'.repeat(${LIMIT / 2}))`, `x${'😀'.repeat(LIMIT / 2 - 1)}... 1 more character`],
  [`group(); console.log('x\\n'.repeat(${LIMIT / 2}))`, `${'  x\n'.repeat(LIMIT / 4)}... ${LIMIT / 2 + 2} more characters`],
  [`count('x'.repeat(${LIMIT}))`, `${x(LIMIT)}... 3 more characters`],
  [`assert(false, 'x'.repeat(${LIMIT}))`, `Assertion failed: ${x(LIMIT - 18)}... 18 more characters`],
])('console.%s is cut', async (call, expected) => {
  const run = await makeConsole()
  const text = run(`console.${call}`).at(-1)![1]
  expect(text.length).toBe(expected.length)
  expect(text === expected).toBe(true)
})

test.each([
  'log(...new Array(1e5).fill(1))',
  'log(new Array(1e5).fill(1).join(), new Array(1e5))',
  "log('%s'.repeat(1e5), ...new Array(1e5).fill('x'))",
  'table(new Array(1e5).fill(1))',
  'table(Array.from({ length: 1e5 }, (_, i) => ({ [i]: i })))',
  'table([Object.fromEntries(Array.from({ length: 1e5 }, (_, i) => [i, i]))])',
  'table(new Array(1e3).fill(1), Array.from({ length: 1e5 }, (_, i) => i))',
  "table(Array.from({ length: 1e3 }, () => 'x'.repeat(1e4)))",
  'table(new Map(Array.from({ length: 1e5 }, (_, i) => [i, i])))',
  'table(new Set(Array.from({ length: 1e5 }, (_, i) => i)))',
  "trace('x'.repeat(1e6))",
  "group('x'.repeat(1e6))",
  "timeLog('x'.repeat(1e6))",
])('console.%s writes no more than the limit', async (call) => {
  const run = await makeConsole()
  const text = run(`console.${call}`).at(-1)![1]
  expect(text.length).toBeGreaterThanOrEqual(LIMIT)
  expect(text.length).toBeLessThan(LIMIT + 40)
  expect(text).toMatch(/\.\.\. \d+ more characters$/)
})

test.each([
  'Object.fromEntries(Array.from({ length: n }, (_, i) => [`k${i}`, i]))',
  'Object.fromEntries(Array.from({ length: n }, (_, i) => [`k${i}`, {}]))',
  'Object.fromEntries(Array.from({ length: n }, (_, i) => [`k${i}`, [i]]))',
  'Object.fromEntries(Array.from({ length: n }, (_, i) => [`k${i}`, { a: [i] }]))',
  'Object.fromEntries(Array.from({ length: n }, (_, i) => [`k${i}`, new Map([[i, new Set([i])]])]))',
  "Object.fromEntries(Array.from({ length: n }, (_, i) => [`k${i}`, Object.assign(new Error('message', { cause: i }), { stack: 'Error: message\\n    at a.js:1:1' })]))",
  'Object.fromEntries(Array.from({ length: n }, (_, i) => [`k${i}`, new (class Foo { a = new Date(i) })]))',
  'Object.fromEntries(Array.from({ length: n }, (_, i) => [`k${i}`, [() => i, class A extends Map {}, Object(i), /x/g]]))',
  'Object.fromEntries(Array.from({ length: n }, (_, i) => [`k${i}`, Array.from({ length: 40 }, (_, j) => i * j)]))',
  'Object.fromEntries(Array.from({ length: n }, (_, i) => [`k${i}`, new Uint8Array(9)]))',
])('%s is shown as a whole as long as it fits', async (expression) => {
  const realm = await makeConsoleRealm()
  const make = realm.run(`(n) => (${expression})`) as (n: number) => unknown
  let most = 1
  const fits = (n: number): boolean => inspect(make(n)).length <= MAX_CONSOLE_TEXT
  for (let step = 2 ** 12; step >= 1; step /= 2) if (fits(most + step)) most += step
  const value = make(most)
  const text = textOf(realm, 'log')([value])
  expect(text === inspect(value)).toBe(true)
  expect(textOf(realm, 'log')([make(most + 1)])).toMatch(/\.\.\. \d+ more characters?$/)
})

const HOSTILE = `
  var bad = () => { throw new Error('hostile') }
  var traps = Object.fromEntries(Reflect.ownKeys(Reflect).filter((key) => typeof key === 'string').map((key) => [key, bad]))
  var proxy = new Proxy({}, traps), proxies = [new Proxy([], traps), new Proxy(bad, traps)]
  var revoked = (() => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy })()
  0`

test.each<[string, Event[]]>([
  ["log('%s', { toString: bad })", [['log', '<threw>', 2]]],
  ["log('%s', { toString: () => ({}) })", [['log', '<threw>', 2]]],
  ["log('%s', { [Symbol.toPrimitive]: bad })", [['log', '<threw>', 2]]],
  ["log('%s %s', proxy, 1)", [['log', '<unreadable> 1', 3]]],
  ["log('%s', revoked)", [['log', '<unreadable>', 2]]],
  ["log('%d %i %f', { valueOf: bad, toString: bad }, proxy, proxies[0])", [['log', '<threw> <threw> <threw>', 4]]],
  ["log('%j', { toJSON: bad })", [['log', '<threw>', 2]]],
  ["log('%j %j', { a: 1n }, proxy)", [['log', '<threw> <threw>', 3]]],
  ["log('%o %O', proxy, revoked)", [['log', '<unreadable> <Revoked Proxy>', 3]]],
  ["log('%c', proxy)", [['log', '', 2]]],
  ['log(proxy, proxies, revoked)', [['log', '<unreadable> [ <unreadable>, <unreadable> ] <Revoked Proxy>', 3]]],
  ['log({ get a() { throw 1 } })', [['log', '{ a: [Getter] }', 1]]],
  ['dir(proxy)', [['log', '<unreadable>', 1]]],
  ['dir(1, proxy)', [['log', '1', 1]]],
  ['table(proxy)', [['log', '<unreadable>', 0]]],
  [
    'table([1], proxy)',
    [['log', '┌─────────┬────────┐\n│ (index) │ Values │\n├─────────┼────────┤\n│ 0       │ 1      │\n└─────────┴────────┘', 0]],
  ],
  [
    'table([{ get a() { throw 1 } }])',
    [['log', '┌─────────┬──────────┐\n│ (index) │ a        │\n├─────────┼──────────┤\n│ 0       │ [Getter] │\n└─────────┴──────────┘', 0]],
  ],
  [
    'table([{ a: proxy }])',
    [
      [
        'log',
        '┌─────────┬──────────────┐\n│ (index) │ a            │\n├─────────┼──────────────┤\n│ 0       │ <unreadable> │\n└─────────┴──────────────┘',
        0,
      ],
    ],
  ],
  ['assert(false, proxy)', [['error', 'Assertion failed <unreadable>', 1]]],
  ['group(proxy)', [['log', '<unreadable>', 1]]],
  ['time(); console.timeLog(undefined, proxy)', [['log', 'default: 0ms <unreadable>', 1]]],
  ['trace(proxy)', [['trace', 'Trace: <unreadable>\n    at guest.js:1:9', 1]]],
  [
    "log(1); Error.prepareStackTrace = bad; console.trace('a')",
    [
      ['log', '1', 1],
      ['trace', 'Trace: a', 1],
    ],
  ],
  [
    "log(1); Error.prepareStackTrace = () => ({}); console.trace('a')",
    [
      ['log', '1', 1],
      ['trace', 'Trace: a', 1],
    ],
  ],
  // A conversion may log, too.
  [
    "log('%s', { toString() { console.log('inner'); return 'outer' } })",
    [
      ['log', 'inner', 1],
      ['log', 'outer', 2],
    ],
  ],
])('console.%s does not throw', async (call, expected) => {
  const run = await makeConsole()
  run(HOSTILE)
  expect(run(`console.${call}`).map(([level, text, args]): Event => [level, withoutNode(text), args])).toEqual(expected)
})

test.each(['count', 'countReset', 'time', 'timeLog', 'timeEnd'])('%s throws what the conversion of its label throws', async (method) => {
  const run = await makeConsole()
  expect(() => run(`console.${method}({ toString() { throw new RangeError('label') } })`)).toThrow('label')
  expect(() => run(`console.${method}(Symbol('a'))`)).toThrow('Cannot convert a Symbol value to a string')
})

test('what the sink throws does not reach the guest', async () => {
  const realm = await makeConsoleRealm()
  expect(realm.run(`side.createConsole({ emit() { throw 1 } }).log('a')`)).toBe(undefined)
})

test('near the end of the stack a call writes a text, or nothing, or throws the error of the guest that any call would', async () => {
  const run = await makeConsole()
  const outcomes = new Set(
    run(`
      var thrown = []
      var deep = { a: [new Map([[1, { b: new Error('x') }]])] }
      var dig = () => { try { dig() } catch {} try { console.log(deep) } catch (error) { thrown.push(error) } }
      dig()
      if (!thrown.every((error) => error instanceof RangeError)) throw new Error('another error')
      console.log('still there')`).map(([, text]) => text.split('\n')[0]),
  )
  expect(outcomes.has('still there')).toBe(true)
})

/** Logs much in a tampered realm; the checks use nothing that a guest could tamper with afterwards. */
const PREPARE = `
  var { check } = (() => {
    let out = ''
    const console = side.createConsole({ emit(level, text, args) { out += level + ': ' + text + '\\n' } })
    Error.stackTraceLimit = 0
    const buffer = new ArrayBuffer(4)
    const error = new RangeError('m', { cause: { a: 1 } })
    const all = new AggregateError([error], 'all')
    error.stack = all.stack = 'RangeError: m\\n    at a.js:1:1'
    const many = Array.from({ length: 120 }, (_, i) => i)
    const circular = { list: [1, , 3], 'a-b': "it's" }
    circular.self = circular
    const values = [circular, many, 'text', 1, -0, 10n, Symbol('s'), undefined, null, new Map([[{ a: 1 }, [1]]]), new Set([1, 'a']), new Date(5), /x\\/y/gu, buffer,
      new Uint8Array(buffer), new Float64Array(2), new DataView(buffer), error, all, Object(1), Object('abc'), Object(Symbol('o')), Object(2n),
      Object(false), Object.create(null), function f() {}, async () => {}, function* g() {}, class A {}, class B extends Map {}, new WeakMap, new WeakSet, Promise.resolve(),
      { get a() { return 1 }, set a(v) {}, set b(v) {}, [Symbol('k')]: 1 }, new (class Foo { x = 1 }), [, 1, , 2], Array(3), 'é日本😀', [[[[1]]]], Object.assign([1], { k: 1 })]
    const rows = [{ a: 1, b: 'x' }, { a: 2, c: [1, 2] }, 5]
    const map = new Map([['k', { v: 1 }]]), set = new Set([1]), columns = ['a'], deep = { a: { b: { c: { d: { e: 1 } } } } }, options = { depth: null }
    const check = () => {
      for (let i = 0; i < values.length; i++) { console.log(values[i]); console.log('%s %d %i %f %j %O %c.', 'a', 1.5, '7x', '1.5', 'j', values[i], 'css', 'rest', values[i]) }
      console.assert(false, 'why', circular); console.assert(false); console.assert(false, 1)
      console.table(rows); console.table(rows, columns); console.table(map); console.table(set); console.table(many)
      console.dir(deep, options); console.dir(deep); console.dir(1)
      console.group('g', circular); console.log('a\\nb', 1); console.groupCollapsed(); console.log(many); console.groupEnd(); console.groupEnd(); console.groupEnd(); console.clear()
      console.count(); console.count('a'); console.countReset(); console.countReset('b'); console.count()
      console.time('t'); console.time('t'); console.timeLog('t', circular); console.timeEnd('t'); console.timeEnd('t')
      console.trace('t', circular); console.log(); console.warn('w'); console.error('e'); console.debug('d'); console.info('i'); console.dirxml(circular)
      const text = out
      // What is built in is told from the guest's classes by their constructors: with hidden properties a tampered realm looks so, but it is shown.
      for (let i = 0; i < values.length; i++) console.log('%o', values[i])
      return text
    }
    return { check }
  })()`

test.each(tamperings(['check', 'side']))('with %s the console writes what it wrote before', async (_, tamper) => {
  const clock = 'Date.now = () => 0'
  const [untouched, tampered] = [await makeConsoleRealm(clock), await makeConsoleRealm(clock)]
  untouched.run(PREPARE)
  tampered.run(PREPARE)
  tampered.run(tamper)
  expect(tampered.run('check()')).toBe(untouched.run('check()'))
})
