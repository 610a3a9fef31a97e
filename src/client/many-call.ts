import { OUTCOME, OUTCOME_FAILURE_FIELDS } from '../protocol/guest-messages.ts'
import { MANY_WINDOW } from '../protocol/limits.ts'
import { type Phase, PHASES } from '../protocol/report.ts'
import type { Outcome, Outcomes } from './outcomes.ts'
import type { ReceivedValues } from './received-values.ts'

/** What outcomes of inputs are made into. */
interface Reasons {
  /** Of what the guest threw. */
  readonly thrown: (thrown: unknown) => Error
  /** Of a failure of the worker's, by the number of its code. */
  readonly failed: (code: number, message: string, figures: InputFigures) => Error
}

/** What the worker says of one input that failed. HOSTILE: it may say anything. */
export interface InputFigures {
  readonly phase: Phase
  readonly wallMs: number
  readonly cpuMs: number
  readonly peakRssBytes: number
}

const UNKNOWN: InputFigures = { phase: 'run', wallMs: 0, cpuMs: 0, peakRssBytes: 0 }

/** A `many` run as its client sees it. */
export class ManyCall {
  readonly #outcomes: Outcomes
  readonly #inputs: number
  #received = 0

  constructor(outcomes: Outcomes, inputs: number) {
    this.#outcomes = outcomes
    this.#inputs = inputs
  }

  /** Reads a message of outcomes. */
  receive(values: ReceivedValues, context: number, reasons: Reasons): void {
    const { reader } = values
    const count = reader.arrayHeader()
    const outcomes: Outcome[] = []
    for (let i = 0; i < count; i += 2) {
      const status = reader.uint32(OUTCOME.failed)
      const value = values.value(context)
      const index = this.#received++
      if (status === OUTCOME.fulfilled) outcomes.push({ index, status: 'fulfilled', value })
      else
        outcomes.push({
          index,
          status: 'rejected',
          reason: status === OUTCOME.rejected ? reasons.thrown(value) : failureOf(value, reasons),
        })
    }
    reader.finish()
    if (this.#received > this.#inputs) throw new Error('more outcomes than inputs')
    if (this.#outcomes.waiting > MANY_WINDOW + 1) throw new Error('more outcomes than were asked for')
    this.#outcomes.push(outcomes)
  }
}

/** Reads outcomes of a run that was given up: what they hold is given back. */
export function discardOutcomes(values: ReceivedValues, context: number): void {
  const { reader } = values
  values.discarding(context, () => {
    for (let left = reader.arrayHeader(); left > 0; left--) values.value(context)
  })
  reader.finish()
}

/** An input that failed for a reason of the worker's: an array of code and message, and figures if the worker knows them. */
function failureOf(value: unknown, reasons: Reasons): Error {
  if (!Array.isArray(value) || typeof value[0] !== 'number' || typeof value[1] !== 'string') throw new Error('a failure without its code')
  return reasons.failed(value[0], value[1], value.length === OUTCOME_FAILURE_FIELDS ? figuresOf(value.slice(2)) : UNKNOWN)
}

function figuresOf(figures: readonly unknown[]): InputFigures {
  const [phaseNumber, wallMs, cpuMs, peakRssBytes] = figures
  const phase = typeof phaseNumber === 'number' ? PHASES[phaseNumber] : undefined
  if (phase === undefined || typeof wallMs !== 'number' || typeof cpuMs !== 'number' || typeof peakRssBytes !== 'number')
    throw new Error('a failure with other figures than expected')
  return { phase, wallMs, cpuMs, peakRssBytes }
}
