import type { LeasePurpose } from '../protocol/control-link.ts'
import type { WorkerWish } from '../protocol/placement.ts'
import { DaemonError } from './daemon-error.ts'
import type { TenantLimits } from './tenants/tenants.ts'

/** What workers differ in. Leases share a worker only if they want the same. */
export interface WorkerKind {
  /** Its V8 heap, in bytes: V8 takes the limit at its start, and never again. */
  readonly memoryBytes: number
  readonly jit: boolean
  /** The connection whose it is alone; undefined if all of its tenant's may have it. */
  readonly owner: object | undefined
}

/** What worker a lease gets: what its client wants, as far as its tenant may have it. Throws ERR_ACCESS_DENIED. */
export function kindFor(wish: WorkerWish, { memoryBytes, trust }: TenantLimits, purpose: LeasePurpose, session: object): WorkerKind {
  if (trust === 'hostile' && purpose !== 'process')
    throw new DaemonError('ERR_ACCESS_DENIED', "this tenant's policy is trust 'hostile': its guests have processes of their own")
  const isExclusive = wish.exclusive || trust !== 'team'
  return {
    memoryBytes: Math.min(wish.memoryBytes ?? memoryBytes, memoryBytes),
    jit: wish.jit,
    owner: isExclusive && purpose !== 'process' ? session : undefined,
  }
}

/** The worker of a context that all clients of a tenant may come to. Throws ERR_ACCESS_DENIED. */
export function kindForNames({ memoryBytes, trust }: TenantLimits): WorkerKind {
  if (trust !== 'team')
    throw new DaemonError('ERR_ACCESS_DENIED', `this tenant's policy is trust '${trust}': its clients share no contexts`)
  return { memoryBytes, jit: true, owner: undefined }
}

/** Whether leases of the two may share a worker. */
export function isSameKind(one: WorkerKind, other: WorkerKind): boolean {
  return one.memoryBytes === other.memoryBytes && one.jit === other.jit && one.owner === other.owner
}
