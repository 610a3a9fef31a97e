import type { WorkerToClient } from '../protocol/channel-link.ts'
import { errorCodeName } from '../protocol/error-codes.ts'
import type { Exhausted } from '../protocol/exhausted-message.ts'
import type { AboutCall } from './about-call.ts'
import type { Bridges } from './bridges.ts'
import { queuedTimeout, waitedMs } from './due.ts'
import { errorForCode, ProtocolError, type Report } from './errors.ts'
import { exhaustedError } from './exhausted.ts'
import { guestErrorOf } from './guest-error.ts'
import type { InputFigures } from './many-call.ts'
import { factsOf, placeText, type RunFacts, withFacts } from './run-traces.ts'
import type { RunScript } from './source-maps.ts'

/** Makes errors of what a worker says went wrong, with what the channel knows of the call. */
export class ReceivedFailures {
  /** Bytes of all messages that have come. */
  received = 0
  readonly #worker: number
  readonly #bridges: Bridges

  constructor(worker: number, bridges: Bridges) {
    this.#worker = worker
    this.#bridges = bridges
  }

  /** What the guest threw, with its stack in terms of the original sources. */
  thrown(thrown: unknown, context: number, script: RunScript | undefined): Error {
    const error = guestErrorOf(thrown)
    this.#bridges.find(context)?.sourceMaps.map(error, script)
    return error
  }

  /** `about` is undefined if the failure is that of the channel. */
  failed(message: Extract<WorkerToClient, { readonly type: 'failed' }>, about: AboutCall | undefined): Error {
    const { phase, wallMs, cpuMs } = message
    const code = errorCodeName(message.code)
    const bare: Report = { phase, wallMs, cpuMs, worker: this.#worker, peakRssBytes: 0 }
    if (code === 'ERR_TIMEOUT' && phase === 'queued' && about?.due !== undefined) return queuedTimeout(about.due, this.#worker)
    if (about === undefined) return errorForCode(code, message.message, bare)
    const report = withFacts(bare, this.facts(about))
    if (code !== 'ERR_TIMEOUT') return errorForCode(code, message.message, report)
    const where = report.at === undefined ? '' : `, in ${placeText(report.at)}`
    return errorForCode(code, message.message + where, {
      ...report,
      limit: 'timeout',
      configured: about.timeoutMs,
      observed: about.due === undefined ? wallMs : waitedMs(about.due),
    })
  }

  /** A limit was reached. */
  limited(message: Extract<WorkerToClient, { readonly type: 'limited' }>, about: AboutCall): Error {
    const { phase, wallMs, cpuMs, limit, configured, observed } = message
    const report = { phase, wallMs, cpuMs, worker: this.#worker, peakRssBytes: 0, limit, configured, observed }
    return errorForCode(errorCodeName(message.code), message.message, withFacts(report, this.facts(about)))
  }

  /** The tenant has used up its processor time. */
  exhausted(message: Exhausted, about: AboutCall): Error {
    return exhaustedError(this.#worker, message, this.facts(about))
  }

  /** One input of a `many` run failed. */
  ofInput(code: number, message: string, figures: InputFigures, about: AboutCall): Error {
    const name = errorCodeName(code)
    const isResult = name === 'ERR_OUTPUT_LIMIT'
    const report: Report = { ...figures, phase: isResult ? 'result' : figures.phase, worker: this.#worker }
    const limit =
      name === 'ERR_TIMEOUT'
        ? { limit: 'timeout', configured: about.timeoutMs, observed: figures.wallMs }
        : isResult
          ? { limit: 'maxOutput', configured: about.maxOutput }
          : {}
    return errorForCode(name, message, withFacts({ ...report, ...limit }, this.facts(about)))
  }

  /** Its worker broke the protocol: what makes the error of each call, and, without facts, that of those who come later. */
  broken(reason: string, wallMs: number): (facts: RunFacts | undefined) => ProtocolError {
    const message = `worker ${this.#worker} broke the protocol (${reason}); it was ended`
    const report: Report = {
      phase: 'run',
      worker: this.#worker,
      cpuMs: 0,
      wallMs,
      peakRssBytes: 0,
      cause: 'protocol',
      reason: `broke the protocol: ${reason}`,
    }
    return (facts) => new ProtocolError('ERR_PROTOCOL', message, facts === undefined ? report : withFacts(report, facts))
  }

  /** What is known here of a call. */
  facts(about: AboutCall): RunFacts {
    const bridge = this.#bridges.find(about.context)
    const facts = factsOf(about, this.received, (fn) => bridge?.exported.get(fn)?.name)
    return facts.at === undefined || bridge === undefined ? facts : { ...facts, at: bridge.sourceMaps.place(facts.at, about.script) }
  }
}
