import { SpanStatusCode, context as contexts, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { BasicTracerProvider, InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { type Box, GuestError } from 'glovebox'
import { createVm } from 'glovebox/vm'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type TestDaemon, testDaemon } from '../support/daemons.ts'
import { eventually, rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()

const exporter = new InMemorySpanExporter()
const tracer = trace.getTracer('application')

let daemon: TestDaemon
let early: Box
beforeAll(async () => {
  daemon = await testDaemon({ spare: 1, max: 4 })
  // Before there is a provider: some register theirs late.
  early = await daemon.connect()
  await early.run('1')
  contexts.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }))
})
afterEach(() => exporter.reset())
afterAll(async () => {
  trace.disable()
  contexts.disable()
  await early.dispose()
  await daemon[Symbol.asyncDispose]()
})

/** Does something in a span of its own. */
const span = async <Result>(name: string, work: () => Promise<Result> | Result): Promise<Result> =>
  tracer.startActiveSpan(name, async (active) => {
    try {
      return await work()
    } finally {
      active.end()
    }
  })
const mark = (name: string): void => tracer.startSpan(name).end()
const named = (name: string): ReadableSpan[] => exporter.getFinishedSpans().filter((each) => each.name === name)
const runs = (): ReadableSpan[] => named('glovebox.run')
/** The names of a span and of those that it is inside of. */
function ancestry(name: string): string[] {
  const line: string[] = []
  for (let each = named(name)[0]; each !== undefined; ) {
    const parent: string | undefined = each.parentSpanContext?.spanId
    line.push(each.name)
    each = exporter.getFinishedSpans().find((other) => other.spanContext().spanId === parent)
  }
  return line
}
const outcomes = () => runs().map(({ attributes }) => [attributes['glovebox.operation'], attributes['glovebox.outcome']])

test('a run is a span in that of its caller, and a host function is inside of it, synchronous or not', async () => {
  await using box = await daemon.connect()
  const fetched = async (name: string) => {
    await span(name, async () => new Promise((resolve) => setImmediate(resolve)))
  }
  await span('request', async () => {
    await using context = await box.createContext({ mark, fetched })
    await context.run('mark("sync"); fetched("async")', { filename: 'rule.js' })
    await box.run('mark("once")', { globals: { mark }, filename: 'once.js' })
    expect(runs().map(({ attributes }) => attributes)).toEqual([
      { 'glovebox.operation': 'run', 'glovebox.filename': 'rule.js', 'glovebox.worker': context.worker, 'glovebox.outcome': 'ok' },
      { 'glovebox.operation': 'run', 'glovebox.filename': 'once.js', 'glovebox.worker': expect.any(Number), 'glovebox.outcome': 'ok' },
    ])
  })
  for (const name of ['sync', 'async', 'once']) expect(ancestry(name)).toEqual([name, 'glovebox.run', 'request'])
})

test('a connection that was there before the provider is traced, too', async () => {
  await span('request', async () => early.run('mark("once")', { globals: { mark } }))
  expect(ancestry('once')).toEqual(['once', 'glovebox.run', 'request'])
})

test('runs that interleave keep their host calls apart, and a host function that calls back is deeper', async () => {
  await using box = await daemon.connect()
  const gates = new Map<string, () => void>()
  const pause = async (name: string) => {
    await new Promise<void>((resolve) => gates.set(name, resolve))
    mark(`paused ${name}`)
  }
  await using context = await box.createContext({ pause, back: async () => context.call('inner'), mark })
  await context.run('var inner = () => mark("inner")')
  exporter.reset()
  const both = ['a', 'b'].map(async (name) => span(name, async () => context.run(`pause("${name}")`)))
  await eventually('both', async () => gates.size === 2)
  gates.get('b')?.()
  await both[1]
  gates.get('a')?.()
  await both[0]
  for (const name of ['a', 'b']) expect(ancestry(`paused ${name}`)).toEqual([`paused ${name}`, 'glovebox.run', name])
  await span('outer', async () => context.run('back()'))
  expect(ancestry('inner')).toEqual(['inner', 'glovebox.run', 'glovebox.run', 'outer'])
})

test('what a guest does by itself, after its run, is in no trace', async () => {
  await using box = await daemon.connect()
  await span('request', async () => {
    await using context = await box.createContext({ mark })
    await context.run('setTimeout(() => mark("later"), 1); 0')
    await eventually('the timer', async () => named('later').length === 1)
  })
  expect(ancestry('later')).toEqual(['later'])
})

test('the outcome is ours to say: nothing that a guest wrote is in a span', async () => {
  await using box = await daemon.connect()
  const thrown = await rejection(
    box.run('throw Object.assign(new Error("secret"), { code: "ERR_TIMEOUT", report: { limit: "secret", worker: 99 } })'),
  )
  expect(thrown).toBeInstanceOf(GuestError)
  await rejection(box.run('for (;;) {}', { timeout: 20 }))
  await using context = await box.createContext()
  const aborted = new AbortController()
  const waiting = rejection(context.run('new Promise(() => {})', { signal: aborted.signal }))
  aborted.abort({ code: 'secret' })
  await waiting
  const [guest, late, cancelled] = runs()
  expect(guest?.attributes).toEqual({
    'glovebox.operation': 'run',
    'glovebox.worker': expect.any(Number),
    'glovebox.outcome': 'ERR_GUEST',
    'error.type': 'ERR_GUEST',
  })
  expect(late?.attributes).toMatchObject({
    'glovebox.outcome': 'ERR_TIMEOUT',
    'glovebox.phase': 'run',
    'glovebox.limit': 'timeout',
    'glovebox.limit.configured': 20,
    'glovebox.cpu_ms': expect.any(Number),
  })
  expect(cancelled?.attributes['glovebox.outcome']).toBe('aborted')
  for (const each of [guest, late, cancelled]) expect(each?.status.code).toBe(SpanStatusCode.ERROR)
  const all = exporter
    .getFinishedSpans()
    .map(({ name, attributes, events, status, links }) => ({ name, attributes, events, status, links }))
  expect(JSON.stringify(all)).not.toContain('secret')
})

test('calls, functions of guests, modules and many inputs are spans, too; what only reads is none', async () => {
  await using box = await daemon.connect()
  await using context = await box.createContext({ mark })
  await context.run('var twice = (x) => { mark("invoked"); return 2 * x }; var api = { twice }')
  const twice = (await context.get('twice')) as (x: number) => Promise<unknown>
  exporter.reset()
  expect(await context.call('api.twice', 4)).toBe(8)
  expect(await twice(5)).toBe(10)
  await context.import('./a.mjs', { modules: { './a.mjs': 'export default 1' } })
  await Array.fromAsync(context.runMany('(x) => x', [1, 2]))
  await context.set('x', 1)
  await context.globals()
  expect(outcomes()).toEqual(['call', 'invoke', 'import', 'many'].map((operation) => [operation, 'ok']))
  expect(runs().map(({ attributes }) => attributes['glovebox.function'] ?? attributes['glovebox.specifier'])).toEqual([
    'api.twice',
    undefined,
    './a.mjs',
    undefined,
  ])
  expect(named('invoked').map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual(
    runs()
      .slice(0, 2)
      .map((run) => run.spanContext().spanId),
  )
})

test('runs of glovebox/vm, with the file name that they give', async () => {
  await using box = await daemon.connect()
  const vm = createVm(box)
  const context = await vm.createContext({ mark })
  await span('request', async () => vm.runInContext('mark("in vm")', context, { filename: 'vm.js' }))
  expect(runs().map(({ attributes }) => [attributes['glovebox.filename'], attributes['glovebox.outcome']])).toEqual([['vm.js', 'ok']])
  expect(ancestry('in vm')).toEqual(['in vm', 'glovebox.run', 'request'])
})

test('a guest finds no trace of traces', async () => {
  await using box = await daemon.connect()
  const seen = (await span('request', async () =>
    box.run(
      `probe(); [
        globalThis[Symbol.for('opentelemetry.js.api.1')],
        Reflect.ownKeys(globalThis).filter((key) => /otel|telemetry|trace|span/i.test(String(key))),
        Reflect.ownKeys(probe),
        new Error().stack,
      ]`,
      { globals: { probe: () => mark('probed') } },
    ),
  )) as unknown[]
  const { traceId, spanId } = runs()[0]?.spanContext() ?? {}
  expect(seen.slice(0, 3)).toEqual([undefined, [], ['length', 'name']])
  expect(JSON.stringify(seen)).not.toMatch(new RegExp(`${traceId}|${spanId}`))
  expect(ancestry('probed')).toEqual(['probed', 'glovebox.run', 'request'])
})
