import type { Box, ConsoleEvent, Context } from 'glovebox'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type TestDaemon, testDaemon } from '../support/daemons.ts'
import { eventually } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()
let daemon: TestDaemon
let box: Box
let ctx: Context
let events: ConsoleEvent[]
beforeAll(async () => {
  daemon = await testDaemon()
  box = await daemon.connect()
})
afterAll(async () => {
  await box.dispose()
  await daemon[Symbol.asyncDispose]()
})
beforeEach(async () => {
  events = []
  ctx = await box.createContext()
  ctx.on('console', (event) => events.push(event))
})
afterEach(async () => {
  await ctx.dispose()
})

test.each<[source: string, seen: (readonly [level: string, text: string, args: readonly unknown[]])[]]>([
  ["console.log('a', 1, { b: [2] })", [['log', 'a 1 { b: [ 2 ] }', ['a', 1, { b: [2] }]]]],
  [
    "console.debug('d'); console.info('i'); console.warn('w'); console.error('e')",
    [
      ['debug', 'd', ['d']],
      ['info', 'i', ['i']],
      ['warn', 'w', ['w']],
      ['error', 'e', ['e']],
    ],
  ],
  ["console.log('%s is %d', 'x', 5)", [['log', 'x is 5', ['%s is %d', 'x', 5]]]],
  [
    "console.group('g'); console.log('in'); console.groupEnd(); console.log('out')",
    [
      ['log', 'g', ['g']],
      ['log', '  in', ['in']],
      ['log', 'out', ['out']],
    ],
  ],
  [
    "console.count(); console.count('x'); console.count()",
    [
      ['info', 'default: 1', []],
      ['info', 'x: 1', []],
      ['info', 'default: 2', []],
    ],
  ],
  ["console.assert(1); console.assert(0, 'no')", [['error', 'Assertion failed: no', ['no']]]],
  ['console.dir({ a: { b: { c: {} } } }, { depth: 0 })', [['log', '{ a: [Object] }', [{ a: { b: { c: {} } } }]]]],
  ["console.log(new Map([[1, 'x']]), -0, 5n)", [['log', "Map(1) { 1 => 'x' } -0 5n", [new Map([[1, 'x']]), -0, 5n]]]],
  // What cannot cross is its text.
  ['console.log(function f() {}, Symbol("s"), 1)', [['log', '[Function: f] Symbol(s) 1', ['[Function: f]', 'Symbol(s)', 1]]]],
  ['const { log } = console; log("detached")', [['log', 'detached', ['detached']]]],
  ['console.log()', [['log', '', []]]],
])('%s', async (source, seen) => {
  const before = Date.now()
  await ctx.run(source)
  expect(events.map(({ level, text, args }) => [level, text, args])).toEqual(seen)
  for (const { time, dropped } of events) {
    expect(time.getTime()).toBeGreaterThanOrEqual(before - 1)
    expect(time.getTime()).toBeLessThanOrEqual(Date.now() + 1)
    expect(dropped).toBe(0)
  }
})

test('a trace shows the guest’s frames only', async () => {
  await ctx.run('function f() { console.trace("here") }\nf()', { filename: 'trace.js' })
  expect(events[0]?.level).toBe('trace')
  expect(events[0]?.text).toBe('Trace: here\n    at f (trace.js:1:24)\n    at trace.js:2:1')
})

test('output comes before the result of its run, and while it computes', async () => {
  const seen: string[] = []
  ctx.on('console', ({ text }) => seen.push(text))
  const run = ctx
    .run("console.log('first'); const until = Date.now() + 300; while (Date.now() < until) console.log('.'.repeat(1000)); 'done'")
    .then((value) => seen.push(String(value)))
  await eventually('output of a run that goes on', () => seen.includes('first'))
  expect(seen).not.toContain('done')
  await run
  expect(seen.at(-1)).toBe('done')
})

test('more than a second may have is dropped, counted and told of', async () => {
  await ctx.run("for (let i = 0; i < 5000; i++) console.log(i); ''")
  const shown = events.filter(({ level }) => level === 'log').length
  expect(shown).toBeGreaterThanOrEqual(1000)
  expect(events.filter(({ level }) => level === 'warn').map(({ text }) => text)[0]).toMatch(/^console: too much output/)
  await ctx.run('new Promise((resolve) => setTimeout(resolve, 1000))')
  await ctx.run("console.log('again')")
  expect(events.at(-1)?.text).toBe('again')
  const dropped = events.reduce((sum, event) => sum + event.dropped, 0)
  expect(dropped + events.filter(({ level }) => level === 'log').length).toBe(5001)
})

test.each([
  ['a huge text', "console.log('x'.repeat(1e6))"],
  ['a hostile Proxy', 'console.log(new Proxy({}, { get() { throw 1 }, ownKeys() { throw 2 }, getPrototypeOf() { throw 3 } }))'],
  [
    'tampered prototypes',
    'Array.prototype.join = Array.prototype.push = String.prototype.slice = () => { throw 1 }; console.log([1, 2], "x")',
  ],
  ['a huge argument', 'console.log(Array(1e6).fill(1))'],
])('%s harms nobody', async (_title, source) => {
  await ctx.run(`${source}; 1`)
  expect(events).toHaveLength(1)
  expect(events[0]?.text.length).toBeLessThan(70_000)
  expect(await ctx.run('1 + 1')).toBe(2)
})

test('a console of the guest’s own stays its own', async () => {
  expect(await ctx.run('console = { log: (x) => x }; console.log(5)')).toBe(5)
  expect(events).toEqual([])
})

test('output of a context of one run, heard by the box', async () => {
  const heard: string[] = []
  const listener = ({ text }: ConsoleEvent): unknown => heard.push(text)
  box.on('console', listener)
  await box.run("console.log('from a run'); Promise.resolve().then(() => console.log('later')); 0")
  await ctx.run("console.log('from a context')")
  box.off('console', listener)
  await box.run("console.log('unheard')")
  expect(heard).toEqual(['from a run', 'later', 'from a context'])
})
