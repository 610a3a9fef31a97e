import { internalBinding, type MemoryMeasurement } from '../confined/internals.ts'
import { MIN_ERROR_BYTES } from '../protocol/limits.ts'
import type { MeasuredMemory } from '../protocol/vm-messages.ts'
import type { Answers } from './answers.ts'

/** Requests of one channel that may wait. */
const MAX_WAITING = 100

/**
 * How much memory V8 says that it uses, for a channel's client. V8 looks at all realms of the process, those of other clients of the tenant among them, and gives nothing but numbers. It collects garbage for it,
 * partly beside the guests: requests that come meanwhile share an answer.
 */
export class MemoryMeasurements {
  readonly #answers: Answers
  /** Requests that wait, without details and with. */
  readonly #waiting: [summaries: number[], details: number[]] = [[], []]
  #isClosed = false

  constructor(answers: Answers) {
    this.#answers = answers
  }

  /** False if too many wait. */
  measure(run: number, detailed: boolean): boolean {
    const waiting = this.#waiting[detailed ? 1 : 0]
    if (waiting.length >= MAX_WAITING) return false
    waiting.push(run)
    if (waiting.length === 1) void this.#look(waiting, detailed)
    return true
  }

  /** The client is gone. */
  close(): void {
    this.#isClosed = true
  }

  async #look(waiting: number[], detailed: boolean): Promise<void> {
    const binding = internalBinding('contextify')
    const { mode, execution } = binding.constants.measureMemory
    const measured = measuredMemory(await binding.measureMemory(detailed ? mode.DETAILED : mode.SUMMARY, execution.EAGER))
    const runs = waiting.splice(0)
    if (this.#isClosed) return
    for (const run of runs) this.#answers.value(run, [measured.total, measured.wasm, measured.realms], MIN_ERROR_BYTES)
    this.#answers.flush()
  }
}

function measuredMemory({ total, WebAssembly, current, other = [] }: MemoryMeasurement): MeasuredMemory {
  const estimate = ({ jsMemoryEstimate, jsMemoryRange: [least, most] }: MemoryMeasurement['total']) =>
    [jsMemoryEstimate, least, most] as const
  return {
    total: estimate(total),
    wasm: [WebAssembly.code, WebAssembly.metadata],
    realms: current === undefined ? [] : [current, ...other].map(estimate),
  }
}
