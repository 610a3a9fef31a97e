import { NO_RUNS } from '../protocol/run-tally.ts'
import { closeSync } from 'node:fs'
import { createServer } from 'node:net'
import { bindLibc } from '../base/libc.ts'
import { confine } from '../confined/confine.ts'
import { Connections } from '../confined/connections.ts'
import { ControlPipe } from '../confined/control-pipe.ts'
import { endAtUncaughtErrors, exit } from '../confined/process-end.ts'
import { PROCESS_TIE_FUNCTIONS, tieToDaemon } from '../confined/process-tie.ts'
import { bindKernel } from '../confinement/kernel.ts'
import type { Attestation } from '../protocol/attestation.ts'
import type { ConfineRequest } from '../protocol/worker-link.ts'
import { withThreads } from './attestation.ts'
import { Channel } from './channel.ts'
import { Compilations } from './compilations.ts'
import { Threads } from './threads.ts'

/** File descriptors that the daemon hands over. The page on which workers tell what they run is of no use here. */
const PAGE_FD = 4
const LISTEN_FD = 5
/** How often the daemon hears of requests, in milliseconds, while there are any. */
const USAGE_INTERVAL_MS = 500
/** How long answers may take to leave when this process ends, in milliseconds. */
const LAST_ANSWERS_MS = 1_000

/** argv: the daemon's process id, or 0 in a sandbox, whose own processes stand between. */
const [daemonPid] = process.argv.slice(2)
if (daemonPid === undefined) throw new Error('usage: compiler DAEMON_PID')

const startedMs = performance.now()
endAtUncaughtErrors()
const libc = bindLibc(PROCESS_TIE_FUNCTIONS)
if (libc === undefined) throw new Error('node:ffi is not available: a compiler needs Node 26 or later on Linux')
tieToDaemon(libc, Number(daemonPid))
closeSync(PAGE_FD)

const threads: Threads = new Threads(() => compilations.threadLost())
const compilations: Compilations = new Compilations(threads, () => void leave())
let leaving = false
// Whom it leaves, the daemon must tell that it did: they wait for its word before they ask for another.
const connections = new Connections<Channel>((channel) => leaving || control.tell({ type: 'closed', channel }))
const server = createServer({ noDelay: false }, (socket) => connections.add(new Channel(socket, compilations, connections)))

const control = new ControlPipe((message) => {
  switch (message.type) {
    case 'confine':
      void confineAll(message).then((attestation) => control.tell({ type: 'ready', bootMs: performance.now() - startedMs, attestation }))
      return
    case 'admit':
      connections.announce(message)
      return
    case 'ping':
      control.tell({ type: 'pong', sequence: message.sequence, waiting: compilations.unanswered })
      return
    case 'drop':
      connections.find(message.channel)?.destroy()
      return
    case 'pause':
      // A compiler is ended instead.
      return
    case 'named':
    case 'unnamed':
    case 'cancel':
      // Clients cancel by themselves: nothing here keeps this process from hearing them.
      return
    default:
      message satisfies never
  }
})

/** The process confines itself as workers do; what belongs to a single thread, each thread does. */
async function confineAll(request: ConfineRequest): Promise<Attestation> {
  await threads.renounce(request)
  const attestation = confine(request, bindKernel())
  return withThreads(attestation, await threads.attest(request))
}

/** Ends this process once its answers have left; the daemon starts another when somebody asks. */
async function leave(): Promise<void> {
  if (leaving) return
  leaving = true
  setTimeout(() => exit(0), LAST_ANSWERS_MS)
  await Promise.all(Array.from(connections.admitted(), async (channel) => channel.end()))
  exit(0)
}

let reported = 0
setInterval(() => {
  if (compilations.total === reported) return
  reported = compilations.total
  control.tell({ type: 'usage', contexts: 0, runs: reported, handles: 0, tally: NO_RUNS })
}, USAGE_INTERVAL_MS)

void threads.start().then(() => server.listen({ fd: LISTEN_FD }, () => control.tell({ type: 'booted' })))
