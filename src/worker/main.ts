import { createServer, Socket } from 'node:net'
import { bindLibc } from '../base/libc.ts'
import { FrameSplitter } from '../protocol/framing.ts'
import { HEARTBEAT_BYTES } from '../protocol/heartbeat.ts'
import { MAX_CONTROL_FRAME_BYTES, MAX_DEPTH, MAX_OUTPUT, MAX_UNADMITTED } from '../protocol/limits.ts'
import { daemonToWorker, type WorkerToDaemon, workerToDaemon } from '../protocol/worker-link.ts'
import { BLOCKING_SOCKET_FUNCTIONS, BlockingSocket } from './blocking-socket.ts'
import { Channel } from './channel.ts'
import type { WorkerParts } from './channel-runs.ts'
import { confine } from './confine.ts'
import { createDeadlineTimer, DEADLINE_TIMER_FUNCTIONS } from './deadline-timer.ts'
import { Guard } from './guard.ts'
import { Heartbeat } from './heartbeat.ts'
import { emptyMainRealm } from './lockdown.ts'
import { createMoat } from './moat.ts'
import { ownErrorText } from './own-error.ts'
import { PROCESS_TIE_FUNCTIONS, tieToDaemon } from './process-tie.ts'
import { ReadyContexts } from './ready-contexts.ts'
import { ScriptCache } from './scripts.ts'
import { mapHeartbeat, SHARED_PAGE_FUNCTIONS } from './shared-page.ts'
import { Tickets } from './tickets.ts'

/** File descriptors that the daemon hands over. */
const CONTROL_FD = 3
const HEARTBEAT_FD = 4
const LISTEN_FD = 5
/** Contexts kept ready in each worker. */
const READY_CONTEXTS = 4
/** How often the daemon hears of contexts, runs and handles, in milliseconds, while they change; and how soon guests' clean-up callbacks run. */
const USAGE_INTERVAL_MS = 250
/** What sysexits(3) calls an internal error. */
const EXIT_INTERNAL = 70

/** argv: the daemon's process id, or 0 in a sandbox, whose own processes stand between. */
const [daemonPid] = process.argv.slice(2)
if (daemonPid === undefined) throw new Error('usage: worker DAEMON_PID')

const startedMs = performance.now()
// Not process.exit(), which runs exit handlers of Node's: nothing needs them, and a guest may have a hand in what they touch.
const ends = process as unknown as { reallyExit(code: number): never; _rawDebug(text: string): void }
const exit = (code: number): never => ends.reallyExit(code)
const libc = bindLibc({ ...BLOCKING_SOCKET_FUNCTIONS, ...DEADLINE_TIMER_FUNCTIONS, ...SHARED_PAGE_FUNCTIONS, ...PROCESS_TIE_FUNCTIONS })
if (libc === undefined) throw new Error('node:ffi is not available: a worker needs Node 26 or later on Linux')
tieToDaemon(libc, Number(daemonPid))

// Order matters from here on: the moat replaces Node's callbacks before the first context exists.
const moat = createMoat()
const heartbeat = new Heartbeat(mapHeartbeat(libc, HEARTBEAT_FD, HEARTBEAT_BYTES))
const guard = new Guard(createDeadlineTimer(libc), heartbeat, moat)
const blocking = new BlockingSocket(libc)
const ready = new ReadyContexts(guard, moat.bridge, { maxOutput: MAX_OUTPUT.default, maxDepth: MAX_DEPTH.default }, READY_CONTEXTS)
const parts: WorkerParts = { guard, heartbeat, ready, scripts: new ScriptCache(), usage: { contexts: 0, runs: 0, waiting: 0 } }

const control = new Socket({ fd: CONTROL_FD, readable: true, writable: true })
const tell = (message: WorkerToDaemon): void => {
  control.write(workerToDaemon.encode(message))
}

const tickets = new Tickets()
const channels = new Map<number, Channel>()
const unadmitted = new Set<Channel>()

const server = createServer({ noDelay: false }, (socket) => {
  const channel: Channel = new Channel(socket, {
    parts,
    blocking,
    present: (ticket) => tickets.present(ticket),
    admitted(admitted, number) {
      unadmitted.delete(admitted)
      channels.set(number, admitted)
    },
    closed(closed) {
      unadmitted.delete(closed)
      for (const [number, each] of channels) {
        if (each !== closed) continue
        channels.delete(number)
        tell({ type: 'closed', channel: number })
      }
    },
  })
  unadmitted.add(channel)
  if (unadmitted.size > MAX_UNADMITTED) for (const oldest of unadmitted) return oldest.destroy()
  return undefined
})

const unanswered = (): number => {
  let count = parts.usage.waiting
  for (const { queued } of channels.values()) count += queued
  return count
}

const commands = new FrameSplitter(MAX_CONTROL_FRAME_BYTES, (bytes, start, end) => {
  const message = daemonToWorker.decode(bytes, start, end)
  switch (message.type) {
    case 'confine': {
      const attestation = confine(message)
      emptyMainRealm()
      tell({ type: 'ready', bootMs: performance.now() - startedMs, attestation })
      return
    }
    case 'admit':
      tickets.announce(message.ticket, { channel: message.channel, maxTimeoutMs: message.maxTimeoutMs })
      return
    case 'ping':
      tell({ type: 'pong', sequence: message.sequence, waiting: unanswered() })
      // Also when nothing changed here: the daemon counts contexts that it promised, and not all are made.
      reportUsage()
      return
    case 'cancel':
      channels.get(message.channel)?.cancel(message.run)
      return
    case 'drop':
      channels.get(message.channel)?.destroy()
      return
    default:
      message satisfies never
  }
})
control.on('data', (chunk: Buffer) => commands.push(chunk))
// The daemon is gone, or wants this worker gone.
control.on('close', () => exit(0))
control.on('error', () => exit(0))

let reported = { contexts: 0, runs: 0, handles: 0 }
function countHandles(): number {
  let handles = 0
  for (const channel of channels.values()) handles += channel.handles
  return handles
}

function reportUsage(): void {
  const { contexts, runs } = parts.usage
  reported = { contexts, runs, handles: countHandles() }
  tell({ type: 'usage', ...reported })
}

setInterval(() => {
  guard.idle()
  for (const channel of channels.values()) channel.sweep()
  const { contexts, runs } = parts.usage
  if (contexts !== reported.contexts || runs !== reported.runs || countHandles() !== reported.handles) reportUsage()
}, USAGE_INTERVAL_MS)

process.setUncaughtExceptionCaptureCallback((error) => {
  ends._rawDebug(ownErrorText(error) ?? "an uncaught error that is not the worker's own")
  exit(EXIT_INTERNAL)
})

server.listen({ fd: LISTEN_FD }, () => {
  ready.fill()
  tell({ type: 'booted' })
})
