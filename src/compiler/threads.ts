import { Piscina } from 'piscina'
import type { AttackOutcome } from '../protocol/attestation.ts'
import type { CompileTask, Outcome } from './outcome.ts'
import type { ThreadLayers } from './thread-confinement.ts'

/** Two sources at a time: one that takes long does not keep the others waiting, and each thread more costs some 20 MB. */
export const THREADS = 2
/** V8 heap of a thread. Parsing takes memory outside of it, which the process's RLIMIT_DATA bounds. */
const HEAP_MIB = 256
const YOUNG_MIB = 32

type Together = 'warmUp' | 'renounce' | 'attest'

/** The threads that compile. All of them start at once, before the lockdown; afterwards none can be made, so whoever loses one must end the process. */
export class Threads {
  readonly #pool = new Piscina<unknown, unknown>({
    filename: process.argv[1] as string,
    // The pool must not try to replace a thread that is lost: it could not, and would take what the others do with it.
    minThreads: 0,
    maxThreads: THREADS,
    idleTimeout: Number.POSITIVE_INFINITY,
    recordTiming: false,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB, maxYoungGenerationSizeMb: YOUNG_MIB },
  })

  /** @param lost called when a thread ends that was doing nothing */
  constructor(lost: (error: Error) => void) {
    this.#pool.on('error', lost)
  }

  /** Starts them, and has each load and compile what it will need. */
  async start(): Promise<void> {
    await this.#together('warmUp', undefined)
  }

  /** Has each give up rights that are its own. */
  async renounce(layers: ThreadLayers): Promise<void> {
    await this.#together('renounce', layers)
  }

  /** What each finds when it attacks itself. */
  async attest(layers: ThreadLayers): Promise<AttackOutcome[][]> {
    return (await this.#together('attest', layers)) as AttackOutcome[][]
  }

  /** Compiles on a thread that is free. Aborting ends that thread. Rejects if the thread is lost. */
  async compile(task: CompileTask, signal: AbortSignal): Promise<Outcome> {
    return (await this.#pool.run(task, { name: 'compile', signal })) as Outcome
  }

  /** Each waits for the others to be at it, so none does it twice. */
  async #together(name: Together, work: unknown): Promise<unknown[]> {
    const present = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
    return Promise.all(Array.from({ length: THREADS }, async () => this.#pool.run({ work, present, threads: THREADS }, { name })))
  }
}
