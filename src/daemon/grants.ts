import { secretBytes } from '../base/random.ts'
import type { Layer } from '../protocol/attestation.ts'
import type { Grant } from '../protocol/grant.ts'
import { TICKET_BYTES } from '../protocol/limits.ts'
import { shortfall } from './confinement.ts'
import type { CpuWatch } from './cpu-watch.ts'
import { DaemonError } from './daemon-error.ts'
import type { Session } from './session.ts'
import type { TenantLimits } from './tenants/tenants.ts'
import type { WorkerProcess } from './worker-process.ts'

/** Channels of a client: one to each worker that it uses, and those that it has asked for and not opened. */
const MAX_CHANNELS = 4_096

/** Lets clients into workers of their tenants: a channel with a number of its own, and the ticket that opens it. */
export class Grants {
  readonly #limitsOf: (tenant: string) => TenantLimits
  readonly #cpu: CpuWatch
  #channels = 0

  constructor(limitsOf: (tenant: string) => TenantLimits, cpu: CpuWatch) {
    this.#limitsOf = limitsOf
    this.#cpu = cpu
  }

  /** Throws ERR_ACCESS_DENIED, ERR_OVERLOADED: then nobody was let in. */
  give(
    tenant: string,
    session: Session,
    request: { readonly request: number; readonly known: readonly number[] },
    worker: WorkerProcess,
  ): Grant {
    const limits = this.#limitsOf(tenant)
    assertConfined(worker, limits.required)
    // It may have waited.
    this.#cpu.assertLeft(tenant)
    const known = request.known.includes(worker.number) ? channelOf(session, worker) : undefined
    if (known !== undefined) {
      return { request: request.request, worker: worker.number, channel: known, path: undefined, ticket: new Uint8Array(0) }
    }
    if (session.channels.size >= MAX_CHANNELS)
      throw new DaemonError('ERR_OVERLOADED', `this client has ${MAX_CHANNELS} channels, which is the limit`)
    const channel = ++this.#channels
    const ticket = secretBytes(TICKET_BYTES)
    session.channels.set(channel, worker.number)
    worker.channels.add(channel)
    worker.send({ type: 'admit', channel, ticket, maxTimeoutMs: limits.maxTimeoutMs, limits: limits.channel })
    // For a named context that is there.
    if (worker.isDraining) session.draining(worker.number, undefined)
    return { request: request.request, worker: worker.number, channel, path: worker.socketPath, ticket }
  }
}

/** The daemon's own requirements hold in each worker; a tenant may have more. */
function assertConfined({ attestation }: WorkerProcess, required: readonly Layer[]): void {
  const missing = required.length === 0 ? undefined : shortfall(required, attestation ?? { layers: [], attacks: [] })
  if (missing !== undefined)
    throw new DaemonError('ERR_ACCESS_DENIED', `workers are not confined as this tenant's policy requires: ${missing}`)
}

function channelOf(session: Session, worker: WorkerProcess): number | undefined {
  for (const [channel, number] of session.channels) if (number === worker.number) return channel
  return undefined
}
