import { copyFileSync, existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Box, connect, type WorkerCrashError } from 'glovebox'
import { examineConfinement } from 'glovebox/daemon'
import { describe, expect, test } from 'vitest'
import { boundWorker, temporaryDirectory, testDaemon } from '../support/daemons.ts'
import { eventually, rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'
import { commandsWith, gone, lives } from '../support/processes.ts'
import { runScript } from '../support/scripts.ts'

/** No process is left this long after the end of what owned it, in milliseconds. */
const GONE_MS = 2_000
const NOWHERE = { socket: '/nonexistent/glovebox.sock', spawn: true }
const LOOP = 'for (;;);'
const NEVER = 'new Promise(() => {})'

checkLeaks()

const summary = (error: Error & { readonly code?: string }) => [error.constructor.name, error.code]

async function looping(box: Box, pid: number): Promise<void> {
  const cpuMs = async () => (await box.status()).workers.find((worker) => worker.pid === pid)?.cpuMs ?? 0
  const before = await cpuMs()
  await eventually('a loop under way', async () => (await cpuMs()) > before + 30)
}

describe('a worker is killed', () => {
  test.each([
    ['while it computes', LOOP],
    ['while it waits', NEVER],
  ])('%s: every call under way gets the cause, the next run works', async (_title, source) => {
    // Both contexts in one worker: the first that is bound.
    await using daemon = await testDaemon({ maxPerTenant: 1 })
    await using box = await daemon.connect()
    const [a, b] = [await box.createContext(), await box.createContext()]
    const pid = await boundWorker(box)
    const worker = (await box.status()).workers.find((each) => each.pid === pid)?.worker
    const calls = [a.run(source, { timeout: 60_000 }), a.get('x'), a.run(NEVER), box.run('1 + 1')].map(async (call) =>
      call.catch((e: unknown) => e),
    )
    if (source === LOOP) await looping(box, pid)
    process.kill(pid, 'SIGKILL')
    const [first] = (await Promise.all(calls)) as WorkerCrashError[]
    expect(summary(first as Error)).toEqual(['WorkerCrashError', 'ERR_WORKER_CRASHED'])
    expect(first?.message).toBe(`worker ${worker} was killed by SIGKILL`)
    expect(first?.report).toMatchObject({ phase: 'run', signal: 'SIGKILL', worker })
    expect(await box.run('1 + 1')).toBe(2)
    for (const call of [a.run('1'), a.get('x')]) expect(summary(await rejection(call))).toEqual(['ContextLostError', 'ERR_CONTEXT_LOST'])
    await b.dispose()
    expect((await box.status()).deaths).toMatchObject([{ signal: 'SIGKILL', worker }])
  })

  test('while it is idle: its contexts are lost, the next run works', async () => {
    await using daemon = await testDaemon()
    await using box = await daemon.connect()
    const ctx = await box.createContext()
    const pid = await boundWorker(box)
    process.kill(pid, 'SIGKILL')
    await gone([pid])
    expect(['ContextLostError', 'WorkerCrashError']).toContain((await rejection(ctx.run('1'))).constructor.name)
    expect(summary(await rejection(ctx.get('x')))).toEqual(['ContextLostError', 'ERR_CONTEXT_LOST'])
    expect(await box.run('3')).toBe(3)
  })

  test('again and again, under load: no call is pending for ever', async () => {
    await using daemon = await testDaemon()
    await using box = await daemon.connect()
    const names = new Map<string, number>()
    const load = new AbortController()
    const killer = (async () => {
      for (let i = 0; i < 10; i++) {
        process.kill(await boundWorker(box), 'SIGKILL')
        await eventually('the next death', async () => (await box.status()).deaths.length > i)
      }
      load.abort()
    })()
    const callers = Array.from({ length: 20 }, async () => {
      while (!load.signal.aborted) {
        const outcome = await box.run('let n = 0; for (let i = 0; i < 1e4; i++) n += i; 7').catch((error: Error) => error.constructor.name)
        names.set(String(outcome), (names.get(String(outcome)) ?? 0) + 1)
      }
    })
    await Promise.all([killer, ...callers])
    console.log('outcomes', Object.fromEntries(names))
    expect([...names.keys()].filter((name) => !['7', 'WorkerCrashError', 'ContextLostError'].includes(name))).toEqual([])
    expect(await box.run('8')).toBe(8)
  })

  test('while it boots: another one takes its place', async () => {
    await using daemon = await testDaemon({ spare: 0 })
    await using box = await daemon.connect()
    const run = box.run('5')
    const booting = await eventually(
      'a booting worker',
      async () => (await box.status()).workers.find(({ state }) => state === 'booting')?.pid,
    )
    process.kill(booting, 'SIGKILL')
    expect(await run).toBe(5)
  })
})

describe('the embedded daemon is killed', () => {
  test('calls under way get an error, nothing is left, the next connect() works', async () => {
    await using box = await connect(NOWHERE)
    const ctx = await box.createContext()
    const { daemon, workers } = await box.status()
    // A run that has not begun goes on with the next daemon: this one has.
    const begun = Promise.withResolvers<undefined>()
    const never = box.run(`begun(); ${NEVER}`, { globals: { begun: () => begun.resolve(undefined) } })
    await begun.promise
    const calls = [ctx.run(LOOP, { timeout: 60_000 }), ctx.get('x'), never, box.run('1', { fresh: 'process' }), box.status()]
    const settled = Promise.all(
      calls.map(async (call) =>
        call.then(
          () => 'resolved',
          (error: Error) => summary(error).join(),
        ),
      ),
    )
    process.kill(daemon.pid, 'SIGKILL')
    for (const outcome of await settled)
      expect(['ConnectionError,ERR_CONNECTION', 'WorkerCrashError,ERR_WORKER_CRASHED', 'resolved']).toContain(outcome)
    await gone([daemon.pid, ...workers.flatMap(({ pid }) => pid ?? [])], GONE_MS)
    await eventually('the end of its directory', () => !existsSync(dirname(daemon.socket)))
    expect(summary(await rejection(ctx.run('1')))).toEqual(['ContextLostError', 'ERR_CONTEXT_LOST'])
    expect(await box.run('1')).toBe(1)
    expect((await box.status()).daemon.pid).not.toBe(daemon.pid)
    await box.dispose()
    await using next = await connect(NOWHERE)
    expect(await next.run('2')).toBe(2)
  })

  test('several boxes of a process share it; the last one ends it', async () => {
    const boxes = await Promise.all([connect(NOWHERE), connect(NOWHERE), connect(NOWHERE)])
    const pids = new Set(await Promise.all(boxes.map(async (box) => (await box.status()).daemon.pid)))
    expect(pids.size).toBe(1)
    const pid = [...pids][0] as number
    await boxes[0]?.dispose()
    expect(await boxes[1]?.run('1')).toBe(1)
    await Promise.all(boxes.map((box) => box.dispose()))
    expect(lives(pid)).toBe(false)
  })

  test('SIGTERM ends it as well', async () => {
    await using box = await connect(NOWHERE)
    const { daemon } = await box.status()
    process.kill(daemon.pid, 'SIGTERM')
    await gone([daemon.pid])
    expect(await box.run('1')).toBe(1)
    expect((await box.status()).daemon.pid).not.toBe(daemon.pid)
  })
})

describe('a client process is killed', () => {
  test.each(['loop', 'wait', 'busy elsewhere'])('%s: its embedded daemon, its workers and their directory are gone', async (what) => {
    await using client = runScript('client.mjs', [what])
    const { daemon, workers, socket } = JSON.parse(await client.line) as { daemon: number; workers: number[]; socket: string }
    client.child.kill('SIGKILL')
    expect(await client.ended).toBe('SIGKILL')
    await gone([daemon, ...workers], GONE_MS)
    expect(existsSync(dirname(socket))).toBe(false)
  })

  test.each(['loop', 'wait'])('%s, in a worker that others share: it is free at once, and they are not disturbed', async (what) => {
    await using daemon = await testDaemon({ maxPerTenant: 1 })
    await using box = await daemon.connect()
    await using ctx = await box.createContext({ kept: 1 })
    await using client = runScript('client.mjs', [what, daemon.socket])
    await client.line
    const pid = await boundWorker(box)
    if (what === 'loop') await looping(box, pid)
    client.child.kill('SIGKILL')
    expect(await ctx.run('kept')).toBe(1)
    expect(await box.run('2')).toBe(2)
    await eventually('the end of the session', async () => (await box.status()).daemon.clients === 1)
    expect((await box.status()).workers.filter(({ state }) => state === 'bound')).toMatchObject([{ pid }])
  })

  test('a box that is disposed while its runs loop leaves its worker free at once', async () => {
    await using daemon = await testDaemon({ maxPerTenant: 1 })
    await using box = await daemon.connect()
    const other = await daemon.connect()
    const ctx = await other.createContext()
    const calls = Array.from({ length: 5 }, async () => summary(await rejection(ctx.run(LOOP, { timeout: 600_000 }))).join())
    await looping(box, await boundWorker(box))
    await other.dispose()
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['ConnectionError,ERR_DISPOSED']))
    expect(await box.run('2')).toBe(2)
  })

  test('a box that is disposed as soon as it has asked: its runs do not begin, or end at once', async () => {
    await using daemon = await testDaemon({ maxPerTenant: 1 })
    await using box = await daemon.connect()
    await box.run('1')
    for (let round = 0; round < 30; round++) {
      const other = await daemon.connect()
      const ctx = await other.createContext({}, round % 2 === 0 ? {} : { name: 'shared' })
      const calls = Array.from({ length: 3 }, async () => rejection(ctx.run(LOOP, { timeout: 600_000 })))
      // The requests leave in this turn, or in one of the next.
      for (let turn = 0; turn < round % 6; turn++) await new Promise(setImmediate)
      await other.dispose()
      await Promise.all(calls)
    }
    expect(await box.run('2')).toBe(2)
  })
})

describe('a daemon process is killed while its workers loop', () => {
  test('no worker is left; the next daemon takes over; stale sockets are gone', async () => {
    using directory = temporaryDirectory()
    const socket = join(directory.path, 'd.sock')
    await using first = runScript('daemon.mjs', [socket])
    expect(await first.line).toBe(socket)
    await using box = await connect({ socket })
    const contexts = [await box.createContext(), await box.createContext()]
    const calls = contexts.map(async (ctx) => summary(await rejection(ctx.run(LOOP, { timeout: 60_000 }))).join())
    const { workers } = await box.status()
    first.child.kill('SIGKILL')
    for (const outcome of await Promise.all(calls)) expect(outcome).toBe('ConnectionError,ERR_CONNECTION')
    await gone(
      workers.flatMap(({ pid }) => pid ?? []),
      GONE_MS,
    )
    const stale = readdirSync(directory.path)
    expect(stale).toEqual(expect.arrayContaining(['d.sock', 'd.sock.lock']))
    expect(summary(await rejection(connect({ socket })))).toEqual(['ConnectionError', 'ERR_CONNECTION'])

    await using second = runScript('daemon.mjs', [socket])
    expect(await second.line).toBe(socket)
    await using again = await connect({ socket })
    expect(await again.run('1 + 1')).toBe(2)
    const names = await eventually('workers', async () => {
      const now = (await again.status()).workers
      return now.length >= 3 && now.every(({ state }) => state !== 'booting') ? now.map(({ worker }) => `w${worker}.sock`) : undefined
    })
    expect(readdirSync(directory.path).toSorted()).toEqual(['d.sock', 'd.sock.lock', ...names].toSorted())
  })

  test('while their sandboxes are set up, no half of one is left', async (ctx) => {
    ctx.skip(!(await examineConfinement()).levels.includes('strict'), 'there are no sandboxes here: see glovebox doctor')
    using directory = temporaryDirectory()
    // A name that stands in the command line of everything that belongs to these daemons, and of nothing else.
    const runtime = join(directory.path, 'node')
    copyFileSync(process.execPath, runtime)
    for (let after = 0; after < 20; after += 2) {
      await using daemon = runScript('daemon.mjs', [join(directory.path, `${after}.sock`), runtime])
      await daemon.line
      // Each round a little later in the life of the sandboxes, which starts with the line.
      const until = performance.now() + after
      while (performance.now() < until) await new Promise(setImmediate)
      daemon.child.kill('SIGKILL')
      await daemon.ended
    }
    await eventually('the end of every process', () => commandsWith(runtime).length === 0, GONE_MS)
  })

  test('of daemons that start at the same time, one serves', async () => {
    using directory = temporaryDirectory()
    const socket = join(directory.path, 'd.sock')
    const daemons = Array.from({ length: 4 }, () => runScript('daemon.mjs', [socket]))
    const lines = await Promise.all(daemons.map(async ({ line }) => line))
    expect(lines.toSorted()).toEqual([socket, 'ERR_SOCKET_IN_USE', 'ERR_SOCKET_IN_USE', 'ERR_SOCKET_IN_USE'].toSorted())
    await using box = await connect({ socket })
    expect(await box.run('1')).toBe(1)
    await box.dispose()
    await Promise.all(daemons.map(async (each) => each[Symbol.asyncDispose]()))
  })
})

describe('a client process ends by itself', () => {
  test.each([
    ['idle', 'idle'],
    ['dispose', 42],
    ['pending', 'timed-out'],
  ])('%s', async (what, text) => {
    await using client = runScript('client.mjs', [what])
    const said = JSON.parse(await client.line) as { daemon: number; workers: number[]; socket: string; text: unknown }
    expect(said.text).toBe(text)
    expect(await client.ended).toBe(0)
    await gone([said.daemon, ...said.workers], GONE_MS)
    expect(existsSync(dirname(said.socket))).toBe(false)
  })
})
