import { MalformedMessageError, type MessageCodec } from './link.ts'
import { MEMORY } from './limits.ts'

/** How far the code of one tenant's guests trusts each other, from most to least: docs/placement.md. */
export const TRUSTS = ['team', 'tenant', 'hostile'] as const
export type Trust = (typeof TRUSTS)[number]

/** The stricter of the two. */
export function stricter(one: Trust, other: Trust): Trust {
  return TRUSTS.indexOf(one) < TRUSTS.indexOf(other) ? other : one
}

/** What a lease wants that not every worker is. */
export interface WorkerWish {
  /** V8 heap of the worker, in bytes; undefined for the tenant's. */
  readonly memoryBytes: number | undefined
  /** Whether V8 may compile to machine code. */
  readonly jit: boolean
  /** Whether to share the worker with nobody but other leases of this connection. */
  readonly exclusive: boolean
}

/** Client → daemon: what the lease of that number wants, which comes next. Without it a lease is for the tenant's usual workers. Not answered. */
export interface PlacementMessage extends WorkerWish {
  readonly type: 'placement'
  readonly request: number
}

export const placementCodec: MessageCodec<PlacementMessage> = {
  code: 25,
  fields: 4,
  pack(out, { request, memoryBytes, jit, exclusive }) {
    out.int(request)
    out.number(memoryBytes ?? 0)
    out.bool(jit)
    out.bool(exclusive)
  },
  unpack(from) {
    const request = from.uint32()
    const memoryBytes = from.number()
    if (memoryBytes !== 0 && !(Number.isInteger(memoryBytes) && memoryBytes >= MEMORY.min && memoryBytes <= MEMORY.max))
      throw new MalformedMessageError(`memory of ${memoryBytes} bytes, which is not from ${MEMORY.min} to ${MEMORY.max}`)
    return {
      type: 'placement',
      request,
      memoryBytes: memoryBytes === 0 ? undefined : memoryBytes,
      jit: from.bool(),
      exclusive: from.bool(),
    }
  },
}
