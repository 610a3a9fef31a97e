import { type Box, type Context, OverloadedError, type ReportedError } from 'glovebox'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestDaemon, testDaemon } from '../support/daemons.ts'
import { rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()

/** A deadline by which a guest has come to where it waits, on a busy machine too, in milliseconds. */
const ENOUGH_MS = 300

let daemon: TestDaemon
let box: Box
let ctx: Context

beforeAll(async () => {
  daemon = await testDaemon({ spare: 1, max: 1, maxQueue: 1 })
  box = await daemon.connect()
  ctx = await box.createContext({
    slow: async () => new Promise(() => undefined),
    half: { quick: () => 1 },
  })
})

afterAll(async () => {
  await box.dispose()
  await daemon[Symbol.asyncDispose]()
})

async function reportOf(call: Promise<unknown>): Promise<NonNullable<ReportedError['report']>> {
  const { report, message } = (await rejection(call)) as ReportedError
  if (report === undefined) throw new Error(`no report: ${message}`)
  return report
}

// Compiling is tested where compilers are.
describe('the phase of a failed run', () => {
  test('queued: there is no room for it', async () => {
    const ended = new AbortController()
    const waiting = rejection(box.run('1', { fresh: 'process', signal: ended.signal }))
    const error = (await rejection(box.run('1', { fresh: 'process' }))) as OverloadedError
    ended.abort()
    await waiting
    expect(error).toBeInstanceOf(OverloadedError)
    expect(error.report).toMatchObject({ phase: 'queued', limit: error.blockedBy, worker: 0 })
  })

  test('boot: workers do not start', async () => {
    await using broken = await testDaemon({}, 'unknown')
    await using client = await broken.connect()
    expect(await reportOf(client.run('1'))).toMatchObject({
      phase: 'boot',
      worker: 0,
      reason: expect.stringMatching(/^workers do not boot: ./) as unknown,
    })
  })

  test.each([
    ['run', 'for (;;);'],
    ['run', 'new Promise(() => {})'],
    ['host-call', 'slow()'],
    ['host-call', '(async () => { await slow(); })()'],
    ['result', '({ get value() { for (;;); } })'],
    ['result', 'throw { get value() { for (;;); } }'],
    ['result', '(async () => { await 0; return { get value() { for (;;); } } })()'],
  ])('%s: %s', async (phase, source) => {
    const report = await reportOf(ctx.run(source, { timeout: ENOUGH_MS }))
    expect(report).toMatchObject({ phase, limit: 'timeout', configured: ENOUGH_MS })
    expect(report.observed).toBeGreaterThanOrEqual(ENOUGH_MS - 1)
    expect(report.peakRssBytes).toBeGreaterThan(1e7)
  })

  test('result: it is larger than it may be', async () => {
    expect(await reportOf(ctx.run("'x'.repeat(2000)", { maxOutput: 1000 }))).toMatchObject({
      phase: 'result',
      limit: 'maxOutput',
      configured: 1000,
    })
  })
})

describe('the last host call', () => {
  test.each([
    ['half.quick(); for (;;);', 'quick', 'run'],
    ['half.quick(); slow()', 'slow', 'host-call'],
    ['1; for (;;);', undefined, 'run'],
  ])('%s', async (source, hostCall, phase) => {
    expect(await reportOf(ctx.run(source, { timeout: ENOUGH_MS }))).toMatchObject({ hostCall, phase })
  })

  test('one without a name is told by its number', async () => {
    await ctx.set(
      'nameless',
      (
        () => () =>
          1
      )(),
    )
    expect(await reportOf(ctx.run('nameless(); for (;;);', { timeout: ENOUGH_MS }))).toMatchObject({
      hostCall: expect.stringMatching(/^#\d+$/) as unknown,
    })
  })
})

test('bytes out: what the worker sent since the run was asked for', async () => {
  const quiet = await reportOf(ctx.run('for (;;);', { timeout: ENOUGH_MS }))
  const loud = await reportOf(ctx.run("for (let i = 0; i < 10; i++) console.log('x'.repeat(1000)); for (;;);", { timeout: ENOUGH_MS }))
  expect(quiet.bytesOut).toBeLessThan(1_000)
  expect(loud.bytesOut).toBeGreaterThan(10_000)
})

describe('where the guest was when its deadline passed', () => {
  const calling = ['function check(rule) {', '  return hold(rule)', '}', 'check(1)'].join('\n')
  /** Keeps a guest past its deadline. */
  const hold = (): void => {
    const untilMs = performance.now() + ENOUGH_MS + 30
    while (performance.now() < untilMs);
  }

  test('in a synchronous host call', async () => {
    await using own = await box.createContext({ hold })
    const call = own.run(calling, { timeout: ENOUGH_MS, filename: 'rules.js' })
    const error = (await rejection(call)) as ReportedError
    expect(error.report).toMatchObject({
      phase: 'host-call',
      hostCall: 'hold',
      at: { functionName: 'check', file: 'rules.js', line: 2, column: 10 },
    })
    expect(error.message).toMatch(/, in check \(rules\.js:2:10\)$/)
  })

  test('whatever it has done to Error', async () => {
    await using own = await box.createContext({ hold })
    const tampered = [
      'Error.stackTraceLimit = 0; Error.prepareStackTrace = () => { called.push(1) }; Array.prototype.slice = String.prototype.slice = () => called.push(2)',
      "Object.defineProperty(hold, 'name', { get: () => called.push(3) }); function line() { hold() }",
      "Object.defineProperty(line, 'name', { get: () => called.push(4) }); line()",
    ]
    const { at } = await reportOf(own.run(`const called = []\n${tampered.join('\n')}`, { timeout: ENOUGH_MS, filename: 'tampered.js' }))
    expect(at).toMatchObject({ functionName: 'line', file: 'tampered.js', line: 3 })
    expect(await own.run('called.length')).toBe(0)
  })

  test('a name cannot break the line of a message', async () => {
    await using own = await box.createContext({ hold })
    const error = await rejection(own.run("({ ['a\\nb']() { hold() } })['a\\nb']()", { timeout: ENOUGH_MS, filename: 'a.js' }))
    expect(error.message).toMatch(/, in .*a\?b \(a\.js:1:\d+\)$/)
  })

  test('in the original source, if there is a map', async () => {
    await using own = await box.createContext({ hold })
    const source = 'enum Kind { one, two }\nfunction check(kind: Kind): void {\n  hold(kind)\n}\ncheck(Kind.one)'
    const { at } = await reportOf(own.run(source, { language: 'ts', timeout: ENOUGH_MS, filename: 'rules.ts' }))
    expect(at).toMatchObject({ functionName: 'check', file: 'rules.ts', line: 3 })
  })

  test('of one that only computes it is not known', async () => {
    expect((await reportOf(ctx.run('for (;;);', { timeout: 30 }))).at).toBeUndefined()
  })
})
