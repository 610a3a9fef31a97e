import { type Box, connect, type Context, GuestError, type Report } from 'glovebox'
import { afterAll, beforeAll, describe, expect, test, type TestContext } from 'vitest'
import { allBut, type DaemonProcess, daemonProcess, type DaemonProcessOptions, type Layer, noSandbox } from '../support/attack-worker.ts'
import { rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'

/** What guests do every day, and what they do at the limits of a worker, works under every layer as it does without. */
checkLeaks()

const MIB = 1024 * 1024
const MEMORY = 256 * MIB
const LONG_MS = 30_000

/** (func (export "f") (param i32) (result i32) local.get 0 i32.const 2 i32.mul), and a memory of one page. */
const DOUBLE = `new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 6, 1, 96, 1, 127, 1, 127, 3, 2, 1, 0, 5, 3, 1, 0, 1,
  7, 5, 1, 1, 102, 0, 0, 10, 9, 1, 7, 0, 32, 0, 65, 2, 108, 11])`

/** Scripts that evaluate, or resolve, to what stands beside them. */
const WORK: readonly (readonly [what: string, source: string, result: unknown])[] = [
  ['a long job', 'let n = 0; const until = Date.now() + 700; while (Date.now() < until) n++; n > 1000', true],
  ['a job that warms the compiler up', 'const fib = (n) => n < 2 ? n : fib(n - 1) + fib(n - 2); fib(30)', 832_040],
  [
    'code of many shapes, compiled and thrown away',
    `let sum = 0
for (let i = 0; i < 300; i++) { const f = new Function('a', 'b', 'return a * ' + i + ' + b'); for (let j = 0; j < 300; j++) sum += f(j, 1) }
sum`,
    300 * 299 * 0.5 * (300 * 299 * 0.5) + 90_000,
  ],
  ['WebAssembly, compiled at once', `new WebAssembly.Instance(new WebAssembly.Module(${DOUBLE})).exports.f(21)`, 42],
  ['WebAssembly, compiled later', `WebAssembly.instantiate(${DOUBLE}).then(({ instance }) => instance.exports.f(21))`, 42],
  [
    'WebAssembly memory that grows',
    'const memory = new WebAssembly.Memory({ initial: 1, maximum: 800 }); memory.grow(700); memory.buffer.byteLength',
    701 * 65_536,
  ],
  ['shared WebAssembly memory', 'new WebAssembly.Memory({ initial: 10, maximum: 20, shared: true }).buffer.byteLength', 10 * 65_536],
  [
    'a WebAssembly module with a thousand functions',
    `const bytes = []
const leb = (n) => { const out = []; do { out.push(n > 127 ? (n & 127) | 128 : n); n >>= 7 } while (n); return out }
const section = (id, body) => bytes.push(id, ...leb(body.length), ...body)
const count = 1000
bytes.push(0, 97, 115, 109, 1, 0, 0, 0)
section(1, [1, 96, 1, 127, 1, 127])
section(3, [...leb(count), ...Array(count).fill(0)])
section(7, [1, 1, 102, 0, ...leb(count - 1)])
const code = []
for (let i = 0; i < count; i++) { const body = [0, 32, 0, 65, 1, 106, ...(i > 0 ? [16, ...leb(i - 1)] : []), 11]; code.push(...leb(body.length), ...body) }
section(10, [...leb(count), ...code])
WebAssembly.instantiate(new Uint8Array(bytes)).then(({ instance }) => { let n = 0; for (let i = 0; i < 2000; i++) n += instance.exports.f(0); return n })`,
    2_000_000,
  ],
  [
    'numbers of many languages',
    `['en', 'de', 'fr-CH', 'ar-EG', 'hi', 'ja', 'zh-Hans'].map((locale) => new Intl.NumberFormat(locale).format(1234567.891)).length`,
    7,
  ],
  [
    'every time zone',
    `Intl.supportedValuesOf('timeZone').map((timeZone) => new Intl.DateTimeFormat('en', { timeZone, timeStyle: 'full' }).format(0)).length > 300`,
    true,
  ],
  [
    'a time zone by name',
    `new Intl.DateTimeFormat('en-GB', { timeZone: 'Asia/Tokyo', dateStyle: 'short', timeStyle: 'long' }).format(new Date(0))`,
    '01/01/1970, 09:00:00 GMT+9',
  ],
  ['local time', `typeof new Date(0).toString() + new Date().toLocaleString('de').length`, expect.stringMatching(/^string\d+$/)],
  [
    'collation, plurals, lists, segments, names and durations',
    `[['z', 'ä', 'a'].sort(new Intl.Collator('sv').compare).join(''), new Intl.PluralRules('ar').select(3), new Intl.ListFormat('es').format(['a', 'b']),
[...new Intl.Segmenter('th', { granularity: 'word' }).segment('สวัสดีครับ')].length, new Intl.DisplayNames('fr', { type: 'region' }).of('DE'),
new Intl.RelativeTimeFormat('pt').format(-1, 'day'), new Intl.Locale('zh').maximize().script].join('|')`,
    'azä|few|a y b|2|Allemagne|há 1 dia|Hans',
  ],
  [
    'Temporal',
    "typeof Temporal === 'undefined' ? '1970-01-01' : Temporal.PlainDate.from('1969-12-31').add({ days: 1 }).toString()",
    '1970-01-01',
  ],
  [
    'strings of all the world',
    `'ŉǰΐ'.normalize('NFD').length + 'İ'.toLocaleLowerCase('tr').length + 'ß'.toLocaleUpperCase('de').length`,
    9,
  ],
  ['a heavy regular expression', `/^(?:a+)+$/.test('a'.repeat(22) + 'b')`, false],
  ['a regular expression over much text', `('lorem ipsum dolor '.repeat(50_000).match(/\\b[a-z]+(?= )/gu) ?? []).length`, 150_000],
  [
    '200 MB of buffers',
    `const buffers = []
for (let i = 0; i < 200; i++) { const bytes = new Uint8Array(2 ** 20); for (let j = 0; j < bytes.length; j += 4096) bytes[j] = i; buffers.push(bytes) }
buffers.reduce((sum, bytes) => sum + bytes[4096], 0)`,
    19_900,
  ],
  ['one buffer of 200 MB', 'const bytes = new Uint8Array(200 * 2 ** 20).fill(7); bytes.at(-1)', 7],
  [
    'a buffer that is resized',
    'const buffer = new ArrayBuffer(0, { maxByteLength: 2 ** 26 }); buffer.resize(2 ** 26); new Uint8Array(buffer).at(-1)',
    0,
  ],
  [
    'a shared buffer that grows',
    'const buffer = new SharedArrayBuffer(0, { maxByteLength: 2 ** 26 }); buffer.grow(2 ** 26); new Uint8Array(buffer).at(-1)',
    0,
  ],
  ['a shared buffer', 'const cells = new Int32Array(new SharedArrayBuffer(2 ** 22)); Atomics.add(cells, 9, 5); Atomics.load(cells, 9)', 5],
  ['Atomics.waitAsync', 'const cell = new Int32Array(new SharedArrayBuffer(4)); Atomics.waitAsync(cell, 0, 0, 50).value', 'timed-out'],
  [
    'deep recursion',
    'let depth = 0; const dive = () => { depth++; dive() }; try { dive() } catch (error) { error instanceof RangeError && depth > 5000 }',
    true,
  ],
  [
    'deep recursion, again and again',
    'let n = 0; const dive = () => dive(); for (let i = 0; i < 50; i++) try { dive() } catch { n++ } n',
    50,
  ],
  [
    'pressure on the garbage collector',
    `let kept = []
for (let i = 0; i < 3e6; i++) { const each = { i, text: 'x' + i, more: [i, i] }; if (i % 1000 === 0) kept.push(each); if (kept.length > 1000) kept = [] }
kept.length > 0`,
    true,
  ],
  ['a big string', "'x'.repeat(2 ** 28).length + [...'abc'.repeat(1e5)].join('').length", 2 ** 28 + 300_000],
  ['a flattened rope', "let text = ''; for (let i = 0; i < 2e6; i++) text += 'ab'; text.charCodeAt(3_999_999)", 98],
  ['BigInt', '(3n ** 100_000n).toString().length + Number((2n ** 65_536n) % 1_000_007n > 0n)', 47_714],
  ['a large Map', 'const map = new Map(); for (let i = 0; i < 1e6; i++) map.set(i, i); map.size', 1_000_000],
  ['a sort of a million', 'Float64Array.from({ length: 1e6 }, (_, i) => (i * 7919) % 1e6).sort()[123]', 123],
  ['randomness', 'Array.from({ length: 1000 }, Math.random).every((n) => n >= 0 && n < 1)', true],
  [
    'weak references and finalizers',
    'const registry = new FinalizationRegistry(() => 0); for (let i = 0; i < 1e5; i++) registry.register({}, i); new WeakRef({}) !== null',
    true,
  ],
  ['many promises', 'Promise.all(Array.from({ length: 1e5 }, async (_, i) => i)).then((all) => all.length)', 100_000],
  ['JSON of some size', 'JSON.parse(JSON.stringify(Array.from({ length: 1e5 }, (_, i) => ({ i, s: String(i) })))).length', 100_000],
]

type Options = NonNullable<DaemonProcessOptions['options']>

const CONFIGURATIONS: readonly (readonly [
  title: string,
  layers: readonly Layer[],
  options: NonNullable<DaemonProcessOptions['options']>,
])[] = [
  ['process', ['L1', 'L2'], { confinement: 'process' }],
  ['L1 to L3', ['L1', 'L2', 'L3'], { require: ['L1', 'L2', 'L3'] }],
  ['L1 to L4', ['L1', 'L2', 'L3', 'L4'], { confinement: 'strict' }],
]

const missingSandbox = await noSandbox()

/** A daemon under these layers for the tests of a suite. Each gets a connection to it, or is skipped with the reason why there is none. */
function daemonOf(layers: readonly Layer[], options: Options): (ctx: TestContext) => { readonly box: Box; readonly socket: string } {
  const missing = layers.includes('L4') ? missingSandbox : undefined
  let daemon: DaemonProcess | undefined
  let found: { readonly box: Box; readonly socket: string } | undefined
  beforeAll(async () => {
    if (missing !== undefined) return
    daemon = await daemonProcess({ options: { maxPerTenant: 1, memory: MEMORY, ...options }, without: allBut(layers) })
    if (!('socket' in daemon.said)) throw new Error(daemon.said.message)
    const { socket } = daemon.said
    found = { box: await connect({ socket }), socket }
  })
  afterAll(async () => {
    await found?.box.dispose()
    await daemon?.[Symbol.asyncDispose]()
  })
  return ({ skip }) => found ?? skip(missing)
}

describe.each(CONFIGURATIONS)('under %s', (_title, layers, options) => {
  const daemonFor = daemonOf(layers, options)

  test('these layers hold', async (ctx) => {
    const { box } = daemonFor(ctx)
    await box.run('1')
    const held = (await box.status()).confinement.layers.filter((each) => each.held).map(({ layer }) => layer)
    expect(held.toSorted()).toEqual(layers)
  })

  test.for(WORK)('%s', async ([, source, result], ctx) => {
    expect(await daemonFor(ctx).box.run(`{ ${source} }`, { timeout: LONG_MS })).toEqual(result)
  })

  test('a hundred contexts, all at work', async (ctx) => {
    const { box } = daemonFor(ctx)
    const contexts: Context[] = []
    for (let i = 0; i < 100; i++) contexts.push(await box.createContext({ i }))
    const results = await Promise.all(contexts.map(async (context) => context.run('let n = 0; for (let j = 0; j < 1e4; j++) n += i; n')))
    expect(results).toEqual(contexts.map((_, i) => i * 1e4))
    await Promise.all(contexts.map(async (context) => context.dispose()))
  })

  test('hundreds of channels, one after the other', async (ctx) => {
    const { socket } = daemonFor(ctx)
    for (let i = 0; i < 300; i++) {
      await using each = await connect({ socket })
      expect(await each.run(`${i} + 1`)).toBe(i + 1)
    }
  })

  test('a deadline', async (ctx) => {
    const { box } = daemonFor(ctx)
    expect(await rejection(box.run('for (;;);', { timeout: 100 }))).toMatchObject({ code: 'ERR_TIMEOUT' })
    expect(await box.run('1')).toBe(1)
  })

  test('what a guest throws, with its stack', async (ctx) => {
    const error = await rejection(daemonFor(ctx).box.run("function f() { throw new TypeError('no') } f()", { filename: 'guest.js' }))
    expect(error).toBeInstanceOf(GuestError)
    expect(error.stack).toMatch(/TypeError: no\n {4}at f \(guest\.js:1:\d+\)/)
  })

  test('a heap that is exhausted ends the worker, with a report', async (ctx) => {
    const { box } = daemonFor(ctx)
    const error = await rejection(
      box.run('const all = []; for (;;) all.push(new Array(1_000).fill({}))', { fresh: 'process', timeout: LONG_MS }),
    )
    const { message, code, report } = error as Error & { code: string; report: Report }
    expect(code).toBe('ERR_MEMORY_LIMIT')
    expect(report).toMatchObject({
      phase: 'run',
      limit: 'memory',
      cause: 'heap',
      signal: 'SIGABRT',
      stderr: expect.stringMatching(/heap/i) as string,
    })
    expect(report.peakRssBytes).toBeGreaterThan(MEMORY / 4)
    expect(message).toMatch(/heap/i)
    expect(await box.run('1')).toBe(1)
  })
})

describe.each(CONFIGURATIONS.filter(([, layers]) => layers.includes('L3')))('the limit of memory under %s', (_title, layers, options) => {
  const daemonFor = daemonOf(layers, options)

  test('memory outside of the heap has a limit, which the guest can catch', async (ctx) => {
    const { box } = daemonFor(ctx)
    const outcome = await box.run(
      `const buffers = []
try { for (let i = 0; i < 100; i++) buffers.push(new ArrayBuffer(64 * 2 ** 20)); 'no limit' } catch (error) { [error.name, error.message, buffers.length * 64] }`,
      { fresh: 'process', timeout: LONG_MS },
    )
    expect(outcome).toEqual(['RangeError', 'Array buffer allocation failed', expect.any(Number)])
    const [, , megabytes] = outcome as [string, string, number]
    expect(megabytes).toBeGreaterThanOrEqual(MEMORY / MIB)
    expect(megabytes).toBeLessThanOrEqual((3 * MEMORY) / MIB)
  })

  test.for<[what: string, source: string]>([
    ['one allocation', 'new ArrayBuffer(2 ** 32)'],
    ['a shared one', 'new SharedArrayBuffer(2 ** 32)'],
    ['a typed array', 'new Float64Array(2 ** 29)'],
    ['a copy', 'new ArrayBuffer(400 * 2 ** 20).slice(0)'],
  ])('%s beyond it is a RangeError, and the worker lives', async ([, source], ctx) => {
    const { box } = daemonFor(ctx)
    const context = await box.createContext({ kept: 1 })
    const error = await rejection(context.run(`${source}; 0`))
    expect([error.constructor.name, error.name]).toEqual(['GuestError', 'RangeError'])
    expect(await context.run('kept')).toBe(1)
    await context.dispose()
  })
})
