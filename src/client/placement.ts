import { InvalidOptionError, type OptionReader } from '../base/options.ts'
import type { SomeLimits } from '../protocol/channel-limits.ts'
import { MEMORY } from '../protocol/limits.ts'
import { stricter, type Trust, TRUSTS, type WorkerWish } from '../protocol/placement.ts'

/** Where guests run: the options of contexts, and of runs and connections by the same names. See docs/placement.md. */
export interface PlacementOptions {
  /**
   * How far guests trust each other. `'team'`: contexts of all the tenant's clients share worker processes. `'tenant'`: only those of one connection do. `'hostile'`: each context has a process of its own, each run too
   * (`fresh: 'process'`), and limits that nobody gives are tighter. Contexts and runs may be stricter than their connection, and a connection stricter than its tenant's policy; default: what is above, which is `'team'` if nobody says.
   */
  readonly trust?: Trust
  /** False: V8 interprets, and never compiles to machine code; WebAssembly is absent. Costs most of the speed, and takes the largest part of V8 out of a guest's reach. Default: the connection's, which is true. */
  readonly jit?: boolean
}

/** What a lease asks for. */
export interface Placement {
  readonly trust: Trust
  readonly jit: boolean
  /** V8 heap of the worker, in bytes; undefined for the tenant's. */
  readonly memoryBytes: number | undefined
}

/** What it says to the daemon: nothing, if every worker will do. */
export function wishOf({ trust, jit, memoryBytes }: Placement): WorkerWish | undefined {
  const exclusive = trust !== 'team'
  return !exclusive && jit && memoryBytes === undefined ? undefined : { memoryBytes, jit, exclusive }
}

/** Defaults of what is `hostile`, if nobody gives others. */
const HOSTILE = {
  timeoutMs: 1_000,
  memoryBytes: 64 * 1024 * 1024,
  limits: { maxOutput: 1024 * 1024, maxHostCalls: 1_000 } satisfies SomeLimits,
} as const

/** What of a connection, a context or a run is lower by itself, because it is trusted less than what it belongs to. */
export function tightened(trust: Trust, above: Trust): typeof HOSTILE | undefined {
  return trust === 'hostile' && above !== 'hostile' ? HOSTILE : undefined
}

/** The least strict that may be asked for is `floor`, and the default. */
export function readTrust(read: OptionReader, floor: Trust): Trust {
  return atLeast(read.oneOf('trust', TRUSTS), floor)
}

/** Throws `ERR_INVALID_OPTION` if it is less strict. */
export function atLeast(trust: Trust | undefined, floor: Trust): Trust {
  if (trust !== undefined && stricter(trust, floor) !== trust)
    throw new InvalidOptionError('trust', `must be at least as strict as '${floor}', which holds here`, trust)
  return trust ?? floor
}

/** The placement of a context or of a run. `own` says whether it has a worker process of its own, and which option would give it one. */
export function readPlacement(
  read: OptionReader,
  above: { readonly placement: Placement; readonly maxMemoryBytes: number },
  trust: Trust,
  own: { readonly is: boolean; readonly option: string },
  memory: OptionReader,
): Placement {
  const { placement, maxMemoryBytes } = above
  const jit = read.boolean('jit') ?? placement.jit
  if (jit && !placement.jit) throw new InvalidOptionError('jit', 'must be false, as it is for the connection', jit)
  const given = memory.integer('memory', MEMORY.min, maxMemoryBytes)
  if (!own.is && jit !== placement.jit) throw new InvalidOptionError('jit', needs(own.option), jit)
  if (!own.is && given !== undefined) throw new InvalidOptionError('memory', needs(own.option), given)
  const lower = tightened(trust, placement.trust)?.memoryBytes
  const memoryBytes = given ?? (lower === undefined || lower > maxMemoryBytes ? placement.memoryBytes : lower)
  if (trust === placement.trust && jit === placement.jit && memoryBytes === placement.memoryBytes) return placement
  return { trust, jit, memoryBytes }
}

function needs(option: string): string {
  return `needs the option ${option}: a worker that is shared is the same for all who share it`
}
