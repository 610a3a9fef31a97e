import type { Box, Context, ReportedError } from 'glovebox'
import type { DaemonOptions } from 'glovebox/daemon'
import { boundWorker, testDaemon } from './daemons.ts'
import { rejection } from './eventually.ts'
import { memoryCgroup } from './memory-cgroup.ts'
import { gone } from './processes.ts'

const MIB = 1024 * 1024

/** A way in which a run ends that is neither its own nor a plain limit's, made for real. */
export interface DeathCase {
  readonly title: string
  /** What is done, for people. */
  readonly how: string
  /** What the error is, and what its report says whatever the machine: texts also by a pattern. */
  readonly error: readonly [className: string, code: string]
  readonly report: Readonly<Record<string, unknown>>
  /** The error that the run ended with; a text if this machine cannot do it, which says why. */
  readonly die: () => Promise<ReportedError | string>
}

interface Scene {
  readonly box: Box
  readonly ctx: Context
  /** A run that never ends, once the guest is in it. */
  readonly busy: () => Promise<{ readonly end: Promise<ReportedError> }>
  readonly stop: () => Promise<void>
}

/** One tenant with one worker and one context there. */
async function scene<Result>(options: DaemonOptions, worker: string | undefined, play: (scene: Scene) => Promise<Result>): Promise<Result> {
  const daemon = await testDaemon({ memory: 64 * MIB, maxPerTenant: 1, spare: 1, ...options }, worker)
  const stop = async (): Promise<void> => daemon[Symbol.asyncDispose]()
  const box = await daemon.connect()
  try {
    const began = Promise.withResolvers<void>()
    const ctx = await box.createContext({ began: () => began.resolve() })
    const busy = async (): Promise<{ readonly end: Promise<ReportedError> }> => {
      const end = failure(ctx.run('began(); for (;;);', { timeout: 30_000 }))
      await began.promise
      return { end }
    }
    return await play({ box, ctx, busy, stop })
  } finally {
    await box.dispose()
    await stop()
  }
}

const failure = async (call: Promise<unknown>): Promise<ReportedError> => (await rejection(call)) as ReportedError

const dying =
  (source: string, timeout = 30_000, options: DaemonOptions = {}) =>
  async (): Promise<ReportedError> =>
    scene(options, undefined, async ({ ctx }) => failure(ctx.run(source, { timeout, filename: 'guest.js' })))

export const NINE_DEATHS: readonly DeathCase[] = [
  {
    title: 'The heap is full',
    how: '`const kept = []; for (;;) kept.push({ kept })`, with `memory: 64 MiB`',
    error: ['MemoryLimitError', 'ERR_MEMORY_LIMIT'],
    report: { cause: 'heap', phase: 'run', limit: 'memory', configured: 64 * MIB, signal: 'SIGABRT' },
    die: dying('const kept = []; for (;;) kept.push({ kept })'),
  },
  {
    title: 'Memory outside the heap is used up',
    how: "`eval('[' + '1,'.repeat(2e7) + ']')`, which V8's parser has no memory for. An `ArrayBuffer` that is too large is a `RangeError` in the guest instead, and nothing dies",
    error: ['MemoryLimitError', 'ERR_MEMORY_LIMIT'],
    report: { cause: 'off-heap', phase: 'run', limit: 'memory', configured: (2 * 64 + 128) * MIB, signal: 'SIGABRT' },
    die: dying("eval('[' + '1,'.repeat(2e7) + ']')"),
  },
  {
    title: 'The kernel kills the worker for want of memory',
    how: 'the same kind of guest in a cgroup of 150 MiB, with a limit of Glovebox’s that is higher',
    error: ['MemoryLimitError', 'ERR_MEMORY_LIMIT'],
    report: { cause: 'oom-kill', phase: 'run', limit: 'memory', signal: 'SIGKILL' },
    die: async () => {
      const group = memoryCgroup(150 * MIB)
      if ('reason' in group) return group.reason
      return scene({ memory: 1024 * MIB }, undefined, async ({ box, ctx }) => {
        const pid = await boundWorker(box)
        group.add(pid)
        const error = await failure(ctx.run('const kept = []; for (;;) kept.push(new Uint8Array(1e6).fill(1))', { timeout: 30_000 }))
        await gone([pid])
        group[Symbol.dispose]()
        return error
      })
    },
  },
  {
    title: 'V8 gives up',
    how: "`'x'.repeat(2 ** 28).split('')`: an array of a size that V8 does not have",
    error: ['WorkerCrashError', 'ERR_WORKER_CRASHED'],
    report: { cause: 'fatal', phase: 'run', stderr: /Fatal JavaScript invalid size error/ },
    die: dying("'x'.repeat(2 ** 28).split('')", 30_000, { memory: 512 * MIB }),
  },
  {
    title: 'The deadline passes',
    how: '`for (;;);`, with a deadline of 50 ms. The worker and its contexts live on',
    error: ['TimeoutError', 'ERR_TIMEOUT'],
    report: { cause: undefined, phase: 'run', limit: 'timeout', configured: 50, signal: undefined },
    die: dying('for (;;);', 50),
  },
  {
    title: 'Native code does not end',
    how: 'a sort of forty million numbers, with a deadline of 50 ms: V8 does not look for signals in there',
    error: ['TimeoutError', 'ERR_TIMEOUT'],
    report: { cause: 'unresponsive', phase: 'run', limit: 'timeout', configured: 50, signal: 'SIGKILL' },
    die: async () =>
      scene({ memory: 512 * MIB }, undefined, async ({ ctx }) => {
        const fill = 'const all = new Uint32Array(4e7); for (let i = 0; i < all.length; i++) all[i] = Math.imul(i, 2654435761); 0'
        await ctx.run(fill, { timeout: 20_000 })
        return failure(ctx.run('all.sort()[0]', { timeout: 50 }))
      }),
  },
  {
    title: 'The worker breaks the protocol',
    how: 'a worker that a guest has taken over, and that answers with what is no message',
    error: ['ProtocolError', 'ERR_PROTOCOL'],
    report: { cause: 'protocol', phase: 'run', reason: /^broke the protocol: / },
    die: async () => {
      const daemon = await testDaemon({ spare: 1 }, 'answers-garbage')
      const box = await daemon.connect()
      const error = await failure(box.run('1', { timeout: 1_000 }))
      await box.dispose()
      await daemon[Symbol.asyncDispose]()
      return error
    },
  },
  {
    title: 'The daemon stops',
    how: 'a daemon that is stopped while a run is under way',
    error: ['ConnectionError', 'ERR_STOPPING'],
    report: { cause: 'shutdown', phase: 'run', signal: 'SIGKILL', reason: 'the daemon stops' },
    die: async () =>
      scene({}, undefined, async ({ busy, stop }) => {
        const { end } = await busy()
        await stop()
        return end
      }),
  },
  {
    title: 'Somebody else kills the worker',
    how: '`kill -KILL` with the number of the worker’s process',
    error: ['WorkerCrashError', 'ERR_WORKER_CRASHED'],
    report: { cause: 'signal', phase: 'run', signal: 'SIGKILL', reason: undefined, limit: undefined },
    die: async () =>
      scene({}, undefined, async ({ box, busy }) => {
        const pid = await boundWorker(box)
        const { end } = await busy()
        process.kill(pid, 'SIGKILL')
        return end
      }),
  },
]
