import type { ChannelLimits } from '../protocol/channel-limits.ts'
import type { ReachedLimit } from '../protocol/limit-messages.ts'
import { FRAME_OVERHEAD_BYTES, MANY_SLICE_BYTES, MAX_CONSOLE_FRAME_BYTES, MIN_ERROR_BYTES, NEAR_SHARE } from '../protocol/limits.ts'
import { CodecError } from '../protocol/msgpack/codec-error.ts'
import type { Bridges } from './bridges.ts'
import { unsentReport, ValueError } from './errors.ts'
import type { LimitWarning } from './guest-events.ts'

/** Bytes of the largest frame that a lawful worker sends: outcomes, of which the last was begun with room for one more, and what goes with them. */
export function maxFrameBytes({ maxOutput }: ChannelLimits): number {
  return 2 * Math.max(maxOutput, MIN_ERROR_BYTES) + MANY_SLICE_BYTES + FRAME_OVERHEAD_BYTES + MAX_CONSOLE_FRAME_BYTES
}

/** What limits of the codec are called here. */
const LIMIT_NAMES = { bytes: 'maxRequest', depth: 'maxDepth', handles: 'maxHandles' } as const

/** What a value that cannot be sent fails with. */
export function asValueError(error: unknown): unknown {
  if (!(error instanceof CodecError)) return error
  const { code, message, limit, configured, observed } = error
  return new ValueError(code, message, limit === undefined ? undefined : unsentReport(LIMIT_NAMES[limit], configured, observed))
}

/** What a channel says of limits that come near, and what it does not take of a worker. HOSTILE: a worker may warn as often as it likes. */
export class ChannelWarnings {
  readonly #worker: number
  readonly #bridges: Bridges
  readonly #emit: (context: number, warning: LimitWarning) => void
  /** Those of contexts that have no bridge: single runs to which no function crossed. */
  readonly #warned = new Set<string>()

  constructor(worker: number, bridges: Bridges, emit: (context: number, warning: LimitWarning) => void) {
    this.#worker = worker
    this.#bridges = bridges
    this.#emit = emit
  }

  /** Warns once for each context and limit. */
  warn(context: number, { limit, configured, observed }: ReachedLimit & { readonly observed: number }): void {
    const bridge = this.#bridges.find(context)
    const warned = bridge === undefined ? this.#warned : (bridge.warned ??= new Set())
    if (warned.has(limit)) return
    warned.add(limit)
    const message = `a context comes near its limit '${limit}': ${observed} of ${configured}`
    this.#emit(context, { limit, configured, observed, worker: this.#worker, message })
  }

  /** A result of so many bytes has come. Throws if a lawful worker would not have sent it. */
  result(bytes: number, { context, maxOutput }: { readonly context: number; readonly maxOutput: number }): void {
    const maxBytes = maxOutput < MIN_ERROR_BYTES ? MIN_ERROR_BYTES : maxOutput
    if (bytes > maxBytes) throw new Error(`a result of ${bytes} bytes, over the limit of ${maxBytes}`)
    if (bytes >= NEAR_SHARE * maxOutput) this.warn(context, { limit: 'maxOutput', configured: maxOutput, observed: bytes })
  }
}
