import { createServer } from 'node:net'
import { getHeapStatistics } from 'node:v8'
import { bindLibc } from '../base/libc.ts'
import { confine } from '../confined/confine.ts'
import { Connections } from '../confined/connections.ts'
import { ControlPipe } from '../confined/control-pipe.ts'
import { endAtUncaughtErrors } from '../confined/process-end.ts'
import { PROCESS_TIE_FUNCTIONS, tieToDaemon } from '../confined/process-tie.ts'
import { SLICE_NS, takeSlices } from '../confined/time-slice.ts'
import { bindKernel } from '../confinement/kernel.ts'
import type { Globals } from '../protocol/context-messages.ts'
import { HEARTBEAT_BYTES } from '../protocol/heartbeat.ts'
import { REHEARSAL_CHANNEL } from '../protocol/worker-link.ts'
import { BLOCKING_SOCKET_FUNCTIONS, BlockingSocket } from './blocking-socket.ts'
import { Channel } from './channel.ts'
import type { WorkerParts } from './worker-parts.ts'
import { contextLimit } from './context-limit.ts'
import { createDeadlineTimer, DEADLINE_TIMER_FUNCTIONS } from './deadline-timer.ts'
import { Guard } from './guard.ts'
import { Heartbeat } from './heartbeat.ts'
import { emptyMainRealm } from './lockdown.ts'
import { createMoat } from './moat.ts'
import { Pause } from './pause.ts'
import { NamedContexts } from './named/named-contexts.ts'
import { PresetContexts } from './preset-contexts.ts'
import { ReadyContexts } from './ready-contexts.ts'
import { RealmContext } from './realm-context.ts'
import { RunCounter } from './run-counter.ts'
import { ScriptCache } from './scripts.ts'
import { mapHeartbeat, SHARED_PAGE_FUNCTIONS } from './shared-page.ts'
import { TimeZones } from './time-zones.ts'
import { UploadedScripts } from './uploaded-scripts.ts'

/** File descriptors that the daemon hands over. */
const HEARTBEAT_FD = 4
const LISTEN_FD = 5
/** Contexts kept ready in each worker. */
const READY_CONTEXTS = 4
/** How often the daemon hears of contexts, runs and handles, in milliseconds, while they change; and how soon guests' clean-up callbacks run. */
const USAGE_INTERVAL_MS = 250

/** argv: the daemon's process id, or 0 in a sandbox, whose own processes stand between. */
const [daemonPid] = process.argv.slice(2)
if (daemonPid === undefined) throw new Error('usage: worker DAEMON_PID')

const startedMs = performance.now()
const libc = bindLibc({ ...BLOCKING_SOCKET_FUNCTIONS, ...DEADLINE_TIMER_FUNCTIONS, ...SHARED_PAGE_FUNCTIONS, ...PROCESS_TIE_FUNCTIONS })
if (libc === undefined) throw new Error('node:ffi is not available: a worker needs Node 26 or later on Linux')
tieToDaemon(libc, Number(daemonPid))

// Order matters from here on: the moat replaces Node's callbacks before the first context exists.
const moat = createMoat()
const page = mapHeartbeat(libc, HEARTBEAT_FD, HEARTBEAT_BYTES)
const heartbeat = new Heartbeat(page)
const timeZones = new TimeZones()
/** For its confinement, and given up with that. */
let kernel = bindKernel()
// For the watchdog's thread, which the guard starts; this one's are set when it is confined.
takeSlices(kernel, SLICE_NS.watchdog)
const guard = new Guard(createDeadlineTimer(libc), heartbeat, moat, timeZones)
const blocking = new BlockingSocket(libc)
const readyWith = (globals: Globals): ReadyContexts =>
  new ReadyContexts(
    () => new RealmContext(guard, moat.bridge, globals),
    READY_CONTEXTS,
    () => heartbeat.serve(0, 0),
  )
const ready = { web: readyWith('web'), ecmascript: readyWith('ecmascript') }
const pause = new Pause(page)
const maxContexts = contextLimit(getHeapStatistics().heap_size_limit)
function partsWith(counter: RunCounter): WorkerParts {
  const usage = { contexts: 0, runs: 0, waiting: 0 }
  return {
    counter,
    guard,
    heartbeat,
    pause,
    ready: ready.web,
    presets: new PresetContexts(guard, ready, usage),
    timeZones,
    scripts: new ScriptCache(counter),
    uploads: new UploadedScripts(counter),
    maxContexts,
    usage,
  }
}
const counter = new RunCounter()
const parts = partsWith(counter)
/** What the daemon has this worker do for nobody is no run, and in no cache. */
const forNobody = partsWith(new RunCounter())
const partsOf = (channel: number): WorkerParts => (channel === REHEARSAL_CHANNEL ? forNobody : parts)

const names = new NamedContexts((message) => control.tell(message))
const connections = new Connections<Channel>((channel) => {
  // A worker that was for one run ends with it.
  reportUsage()
  control.tell({ type: 'closed', channel })
})
const server = createServer({ noDelay: false }, (socket) =>
  connections.add(new Channel(socket, partsOf, pause, names, blocking, connections)),
)

const unanswered = (): number => {
  let count = parts.usage.waiting
  for (const { queued } of connections.admitted()) count += queued
  return count
}

const control = new ControlPipe((message) => {
  switch (message.type) {
    case 'confine': {
      takeSlices(kernel, SLICE_NS.guest)
      const attestation = confine(message, kernel)
      kernel = undefined
      emptyMainRealm()
      control.tell({ type: 'ready', bootMs: performance.now() - startedMs, attestation })
      return
    }
    case 'admit':
      connections.announce(message)
      return
    case 'ping':
      control.tell({ type: 'pong', sequence: message.sequence, waiting: unanswered() })
      // Also when nothing changed here: the daemon counts contexts that it promised, and not all are made.
      reportUsage()
      return
    case 'pause':
      for (const channel of connections.admitted()) channel.pause()
      for (const context of names) context.pause()
      return
    case 'cancel':
      connections.find(message.channel)?.cancel(message.run)
      return
    case 'named':
      names.announce(message.key)
      return
    case 'unnamed':
      names.remove(message.key)
      return
    case 'drop':
      connections.find(message.channel)?.destroy()
      return
    default:
      message satisfies never
  }
})

let reported = { contexts: 0, runs: 0, handles: 0 }
function countHandles(): number {
  let handles = 0
  for (const channel of connections.admitted()) handles += channel.handles
  return handles
}

function reportUsage(): void {
  const { contexts, runs } = parts.usage
  reported = { contexts, runs, handles: countHandles() }
  control.tell({ type: 'usage', ...reported, tally: counter })
}

setInterval(() => {
  guard.idle()
  let offends = false
  for (const channel of connections.admitted()) {
    channel.sweep()
    offends ||= channel.offends
  }
  for (const context of names) {
    context.sweep()
    offends ||= context.offends
  }
  if (offends) control.tell({ type: 'offends' })
  names.report()
  const { contexts, runs } = parts.usage
  if (contexts !== reported.contexts || runs !== reported.runs || countHandles() !== reported.handles) reportUsage()
}, USAGE_INTERVAL_MS)

endAtUncaughtErrors()

server.listen({ fd: LISTEN_FD }, () => {
  // Those of the bare language come when somebody asks for the first. Now, and not when there is time: the limit of memory is reckoned from what the process has when it says this, and a heap that has to
  // grow when a guest has used up all outside of it ends the process, where the guest would have had a RangeError.
  ready.web.fill()
  control.tell({ type: 'booted' })
})
