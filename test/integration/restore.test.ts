import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Box, connect, type Context, type Status } from 'glovebox'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startDaemonWithWorker } from '../../dist/daemon/start-daemon.js'
import { type Command, glovebox } from '../support/command.ts'
import { type TestDaemon, temporaryDirectory, testDaemon } from '../support/daemons.ts'
import { eventually, rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()

let daemon: TestDaemon
beforeAll(async () => {
  daemon = await testDaemon({ spare: 1, max: 6 })
})
afterAll(async () => daemon[Symbol.asyncDispose]())

const summary = (error: Error & { readonly code?: string }) => [error.constructor.name, error.code]

const boundWorkers = async (box: Box) => (await box.status()).workers.filter(({ state }) => state === 'bound')

/** Kills the box's workers, and waits until the daemon knows. */
async function killWorkers(box: Box): Promise<void> {
  const killed = await boundWorkers(box)
  for (const { pid } of killed) process.kill(pid as number, 'SIGKILL')
  await eventually('their end', async () => (await boundWorkers(box)).every(({ pid }) => killed.every((worker) => worker.pid !== pid)))
}

/** Kills it when this process has not heard of it yet. */
async function killUnheard(box: Box, blockedMs = 30): Promise<void> {
  for (const { pid } of await boundWorkers(box)) process.kill(pid as number, 'SIGKILL')
  blockFor(blockedMs)
}

/** Nothing is read in the meantime. */
function blockFor(milliseconds: number): void {
  const end = performance.now() + milliseconds
  while (performance.now() < end);
}

/** What this turn has to write has left, and nothing has been read since. */
async function written(): Promise<void> {
  return new Promise((resolve) => {
    process.nextTick(() => process.nextTick(resolve))
  })
}

test('a lost context is made again by the next call: globals, setup, modules, options and listeners', async () => {
  await using box = await daemon.connect()
  const heard: string[] = []
  const preset = await box.definePreset({ source: 'var preset = 1' })
  await using ctx = await box.createContext(
    { base: 10, twice: (n: number) => 2 * n },
    {
      globals: preset,
      deterministic: { seed: 7 },
      modules: { lib: 'export const answer = 42' },
      restore: 'setup',
      setup: 'var count = base; var random = Math.random()',
    },
  )
  ctx.on('console', ({ text }) => heard.push(text)).on('restored', ({ cause }) => heard.push(cause.constructor.name))
  const random = await ctx.get('random')
  expect(await ctx.run('console.log("before"); ++count')).toBe(11)
  await killWorkers(box)
  expect(await ctx.run('console.log("after"); [++count, twice(4), preset, random]')).toEqual([11, 8, 1, random])
  expect(await ctx.import('lib')).toEqual({ answer: 42 })
  expect(heard).toEqual(['before', 'WorkerCrashError', 'after'])
  await killWorkers(box)
  expect(await Promise.all([ctx.get('count'), ctx.call('twice', 3), ctx.globals()])).toMatchObject([10, 6, { count: 10 }])
  await killWorkers(box)
  const outcomes = await Array.fromAsync(ctx.runMany('(n) => n + count', [1, 2]))
  expect(outcomes.map((outcome) => 'value' in outcome && outcome.value)).toEqual([11, 12])
})

test('calls under way fail as ever, and calls of one moment make it again once', async () => {
  await using box = await daemon.connect()
  let setups = 0
  await using ctx = await box.createContext(
    {},
    {
      restore: 'setup',
      setup: async (inner: Context) => {
        setups++
        await inner.run('var made = true')
      },
    },
  )
  const under = rejection(ctx.run('new Promise(() => {})'))
  await box.status()
  await killWorkers(box)
  expect(summary(await under)).toEqual(['WorkerCrashError', 'ERR_WORKER_CRASHED'])
  expect(await Promise.all(Array.from({ length: 10 }, async () => ctx.run('made')))).toEqual(Array.from({ length: 10 }, () => true))
  expect(setups).toBe(2)
})

test('without restore it stays lost; setup alone runs once', async () => {
  await using box = await daemon.connect()
  const ctx = await box.createContext({}, { setup: 'var x = 1' })
  expect(await ctx.get('x')).toBe(1)
  await killWorkers(box)
  expect(summary(await rejection(ctx.get('x')))).toEqual(['ContextLostError', 'ERR_CONTEXT_LOST'])
})

test('a setup that fails fails the call, and the next one tries again', async () => {
  await using box = await daemon.connect()
  await expect(box.createContext({}, { setup: 'throw new Error("never")' })).rejects.toThrow('never')
  let fails = false
  await using ctx = await box.createContext({ check: () => fails }, { restore: 'setup', setup: 'if (check()) throw new RangeError("now")' })
  await killWorkers(box)
  fails = true
  await expect(ctx.run('1')).rejects.toMatchObject({ name: 'RangeError', message: 'now' })
  fails = false
  expect(await ctx.run('1')).toBe(1)
})

test('a setup that ends its worker is not tried for ever', async () => {
  await using box = await daemon.connect()
  let deadly = false
  let setups = 0
  await using ctx = await box.createContext(
    {},
    {
      restore: 'setup',
      setup: async () => {
        setups++
        if (deadly) await killWorkers(box)
      },
    },
  )
  await killWorkers(box)
  deadly = true
  // The setup itself does not notice; the call after it does.
  const first = await rejection(ctx.run('1'))
  expect(summary(first)).toEqual(['ContextLostError', 'ERR_CONTEXT_LOST'])
  expect(first.message).toMatch(/5 times within 60 s/)
  expect(setups).toBe(6)
  expect(await rejection(ctx.get('x'))).toBe(first)
  expect(setups).toBe(6)
})

test('a worker dies in the middle of a setup: another is taken', async () => {
  await using box = await daemon.connect()
  let deadly = true
  const setup = async (inner: Context): Promise<void> => {
    if (setups++ === 1 && deadly) {
      deadly = false
      await killUnheard(box)
    }
    await inner.run('var ok = 1')
  }
  let setups = 0
  await using ctx = await box.createContext({}, { restore: 'setup', setup })
  await killWorkers(box)
  expect(await ctx.get('ok')).toBe(1)
  expect(setups).toBe(3)
})

test('disposed while it is made again', async () => {
  await using box = await daemon.connect()
  const gate = Promise.withResolvers<void>()
  let setups = 0
  const ctx = await box.createContext({}, { restore: 'setup', setup: async () => (++setups > 1 ? gate.promise : undefined) })
  await killWorkers(box)
  const call = rejection(ctx.run('1'))
  await eventually('the second setup', async () => setups === 2)
  const disposed = ctx.dispose()
  gate.resolve()
  await disposed
  expect(summary(await call)).toEqual(['ContextLostError', 'ERR_CONTEXT_LOST'])
  await eventually('no context', async () => (await box.status()).workers.every(({ contexts }) => contexts === 0))
})

test('bad options', async () => {
  await using box = await daemon.connect()
  // @ts-expect-error a number is no setup
  await expect(box.createContext({}, { setup: 1 })).rejects.toThrow(
    "option 'setup' must be a source, a Script of box.compile(), or a function, got 1",
  )
  await expect(box.createContext({}, { restore: 'setup' })).rejects.toThrow("option 'restore' goes with the option 'setup'")
  // @ts-expect-error no such way
  await expect(box.createContext({}, { restore: 'x', setup: '' })).rejects.toThrow("option 'restore' must be one of 'setup'")
})

test('a worker that died while idle is not noticed: single runs, and new contexts', async () => {
  await using box = await daemon.connect()
  for (let round = 0; round < 3; round++) {
    expect(await box.run('1 + 1')).toBe(2)
    await killUnheard(box)
    expect(await Promise.all([box.run('2 + 2'), box.run('x', { globals: { x: 5 } })])).toEqual([4, 5])
    await killUnheard(box)
    const ctx = await box.createContext({ y: 6 })
    expect(await ctx.get('y')).toBe(6)
    await ctx.dispose()
  }
})

test('a worker is gone, and its connection has ended but is not closed yet', async () => {
  await using box = await daemon.connect()
  for (let turns = 0; turns < 4; turns++) {
    expect(await box.run('1 + 1')).toBe(2)
    await killUnheard(box, 100)
    for (let turn = 0; turn < turns; turn++) await nextTurn()
    expect(await box.run('2 + 2')).toBe(4)
  }
})

describe('a daemon of its own process has said that a worker is gone before anything else is read', () => {
  const directory = temporaryDirectory()
  afterAll(() => directory[Symbol.dispose]())
  const socket = join(directory.path, 'd.sock')
  let serving: Command
  beforeAll(async () => {
    serving = glovebox(['serve', '--socket', socket], { XDG_RUNTIME_DIR: directory.path, TMPDIR: directory.path })
    await serving.says(/listens on .*\n/)
  })
  afterAll(async () => serving[Symbol.asyncDispose]())

  /** Kills what `workers` are, and waits for the daemon's word of it. */
  const killTold = (workers: Status['workers']): void => {
    for (const { pid } of workers) process.kill(pid as number, 'SIGKILL')
    blockFor(100)
  }

  test('it was leased for a context: another is', async () => {
    await using box = await connect({ socket })
    for (let round = 0; round < 3; round++) {
      expect(await box.run('1 + 1')).toBe(2)
      const workers = await boundWorkers(box)
      const made = box.createContext({ y: round })
      await written()
      // The daemon's answer comes in this time. If it does not, the test is no harder to pass.
      blockFor(30)
      killTold(workers)
      await using ctx = await made
      expect(await ctx.get('y')).toBe(round)
    }
  })

  test('it has read nothing of what it was asked: another is asked', async () => {
    await using box = await connect({ socket })
    for (let round = 0; round < 3; round++) {
      expect(await box.run('1 + 1')).toBe(2)
      const workers = await boundWorkers(box)
      for (const { pid } of workers) process.kill(pid as number, 'SIGSTOP')
      const answers = Promise.all([box.run('2 + 2'), box.run('x', { globals: { x: round } })])
      await written()
      killTold(workers)
      expect(await answers).toEqual([4, round])
    }
  })

  test('it has begun: the call fails', async () => {
    await using box = await connect({ socket })
    const begun = new Promise<void>((resolve) => {
      box.on('console', () => resolve())
    })
    const call = rejection(box.run('console.log("begun"); new Promise(() => {})'))
    await begun
    killTold(await boundWorkers(box))
    expect(summary(await call)).toEqual(['WorkerCrashError', 'ERR_WORKER_CRASHED'])
  })
})

test('a daemon that is killed under load and started again: contexts go on by themselves', async () => {
  using directory = temporaryDirectory()
  const socket = join(directory.path, 'd.sock')
  const start = async () => startDaemonWithWorker({ socket, logLevel: 'silent', spare: 1, max: 4 }, undefined)
  const first = await start()
  await using box = await connect({ socket })
  const contexts = await Promise.all(
    Array.from({ length: 5 }, async (_, index) => box.createContext({ index }, { restore: 'setup', setup: 'var n = 100 * index' })),
  )
  const ended = new AbortController()
  const answers = contexts.map(() => 0)
  const load = contexts.map(async (ctx, index) => {
    while (!ended.signal.aborted) {
      await nextTurn()
      const value = await ctx.run('n++, index').catch((error: Error) => error)
      if (value === index) answers[index] = (answers[index] as number) + 1
      else if (!['ConnectionError', 'WorkerCrashError', 'ContextLostError'].includes((value as Error).constructor.name)) throw value
    }
  })
  await eventually('answers', async () => answers.every((count) => count > 10))
  await first[Symbol.asyncDispose]()
  await using _second = await start()
  const before = [...answers]
  await eventually('answers again', async () => answers.every((count, index) => count > (before[index] as number) + 10))
  ended.abort()
  await Promise.all(load)
})
