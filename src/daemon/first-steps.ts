import { closeSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { MEMORY } from '../protocol/limits.ts'
import { refuseIoUring } from './io-uring-filter.ts'
import { WORKER } from './program.ts'
import { createSandbox, findBubblewrap, type Sandbox } from './sandbox/bubblewrap.ts'
import { type Probed, probeSandbox } from './sandbox/probe.ts'
import { claimSocket, type SocketClaim } from './socket-claim.ts'
import { OWNER_ONLY } from './tenants/socket-access.ts'
import { type LaunchedWorker, type LaunchSettings, launchWorker } from './worker-launch.ts'
import type { WorkerSettings } from './worker-process.ts'

/** The number of a daemon's first worker. */
const FIRST = 1
/** How long the sandbox and Node in it may take to start, in milliseconds. They take some 30. */
const SILENT_MS = 10_000

/** What a daemon whose options are the defaults has begun with before the rest of its program is loaded. Disposing it ends the worker, if it was not taken. */
export interface FirstSteps extends Disposable {
  readonly claim: SocketClaim
  /** Whether the sandbox holds here. Never rejects. */
  probe(): Promise<Probed>
  /** The worker that has been started already, if this is what it was started with. */
  takeWorker(number: number, settings: WorkerSettings): LaunchedWorker | undefined
}

/**
 * The longest part of the way to a first answer is the boot of a worker, which needs little of the daemon. So it comes first, and is what the sandbox is tried out with: only if it does not start,
 * the sandbox is tried out alone, which says why.
 * Throws what {@link claimSocket} throws.
 */
export function takeFirstSteps(socket: string): FirstSteps {
  // Before anything is started, which inherits it.
  refuseIoUring()
  const claim = claimSocket(socket)
  const sandbox = sandboxFor(process.execPath)
  const settings: LaunchSettings = {
    directory: claim.directory,
    access: OWNER_ONLY,
    memoryBytes: MEMORY.default,
    node: process.execPath,
    sandbox,
    confinement: { dropPermissions: true },
    program: WORKER,
  }
  let worker = sandbox === undefined ? undefined : launched(settings)
  const end = (): void => {
    if (worker === undefined) return
    worker.kill()
    closeSync(worker.page)
    rmSync(worker.socketPath, { force: true })
    worker = undefined
  }
  return {
    claim,
    async probe() {
      if (sandbox !== undefined && worker !== undefined && (await speaks(worker.control))) return { sandbox }
      end()
      return probeSandbox(process.execPath)
    },
    takeWorker(number, wanted) {
      if (worker === undefined || number !== FIRST || !isSame(settings, wanted)) return undefined
      const taken = worker
      worker = undefined
      return taken
    },
    [Symbol.dispose]: end,
  }
}

/** Whether the first byte comes, which is left there: then Node runs in the sandbox. Otherwise its end comes. */
async function speaks(control: Socket): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => resolve(false), SILENT_MS)
  control.once('readable', () => resolve(control.readableLength > 0))
  control.once('close', () => resolve(false))
  try {
    return await promise
  } finally {
    clearTimeout(timer)
  }
}

function sandboxFor(node: string): Sandbox | undefined {
  const program = findBubblewrap()
  if (program === undefined) return undefined
  try {
    return createSandbox(program, node)
  } catch {
    // Whoever tries it out says why.
    return undefined
  }
}

function launched(settings: LaunchSettings): LaunchedWorker | undefined {
  try {
    const worker = launchWorker(FIRST, settings)
    worker.child.on('error', () => undefined)
    worker.control.on('error', () => undefined)
    return worker.child.pid === undefined ? undefined : worker
  } catch {
    // The pool starts one, and says why if it cannot.
    return undefined
  }
}

function isSame(one: LaunchSettings, other: WorkerSettings): boolean {
  return (
    one.directory === other.directory &&
    one.access.mode === other.access.mode &&
    one.access.gid === other.access.gid &&
    one.memoryBytes === other.memoryBytes &&
    other.jit !== false &&
    one.node === other.node &&
    one.sandbox === other.sandbox &&
    one.confinement.dropPermissions === other.confinement.dropPermissions &&
    one.program === other.program &&
    // A group is there before the worker: what this one's sandbox has started would be outside of it.
    other.confinement.cgroups === undefined
  )
}
