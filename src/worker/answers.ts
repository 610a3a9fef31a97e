import { closeFrame } from '../protocol/link.ts'
import { type WorkerToClient, workerToClient } from '../protocol/channel-link.ts'
import { FRAME_HEADER_BYTES } from '../protocol/framing.ts'
import { ERROR_CODES, type ErrorCode } from '../protocol/error-codes.ts'
import { FRAME_OVERHEAD_BYTES, KEPT_RESULT_BYTES, MAX_OUTPUT } from '../protocol/limits.ts'
import { OUTCOME, OUTCOME_FAILURE_FIELDS } from '../protocol/guest-messages.ts'
import { MsgpackWriter } from '../protocol/msgpack/writer.ts'
import type { Limited, NearLimit } from '../protocol/limit-messages.ts'
import { type GuestPlace, packPhase, type Phase } from '../protocol/report.ts'
import { ValueEncoder } from '../protocol/values/value-encoder.ts'
import { nativeStrings } from '../base/native-strings.ts'
import type { Pause } from './pause.ts'
import type { RealmContext } from './realm-context.ts'
import { Status } from './realm/record.ts'

/** Answers gather here and leave in one write, but not too many: the client works on the first while the worker computes the next. In answers, and in bytes. */
const FLUSH_ANSWERS = 32
const FLUSH_BYTES = 256 * 1024
/** Results larger than this leave without a copy, in bytes: the realm side lets such a buffer go before it encodes the next. */
const HANDED_OVER_BYTES = KEPT_RESULT_BYTES

/** The global of that name is gone when it is needed. */
const ownProcess = process

/** The most memory that this process has had resident. getrusage(2) gives KiB. */
const peakRssBytes = (): number => ownProcess.resourceUsage().maxRSS * 1024

/** What one input of a `many` run took, in milliseconds. */
export interface InputTimes {
  readonly wallMs: number
  readonly cpuMs: number
}

export type Primitive = string | number | boolean | bigint | null | undefined

interface AnswerSink {
  /** Takes all bytes. */
  readonly send: (bytes: Uint8Array) => void
  /** Takes what there is room for now, and says how much that was. */
  readonly trySend: (bytes: Uint8Array) => number
}

/** The way back of a channel: answers are packed into one buffer and leave it together. */
export class Answers {
  readonly #out = new MsgpackWriter({ maxBytes: 2 * MAX_OUTPUT.max + FRAME_OVERHEAD_BYTES, strings: nativeStrings })
  readonly #encoder = new ValueEncoder()
  #unsent = 0
  /** How much of the buffer has left already. */
  #left = 0
  /** Large ones, which leave before what is in the buffer, without a copy. */
  readonly #large: Uint8Array[] = []
  #heldUp = false
  readonly #sink: AnswerSink
  readonly #pause: Pause

  constructor(sink: AnswerSink, pause: Pause) {
    this.#sink = sink
    this.#pause = pause
  }

  /** The client did not have room for all that should have left. */
  get isHeldUp(): boolean {
    return this.#heldUp
  }

  welcome(version: number): void {
    closeFrame(this.#out, workerToClient.open(this.#out, { type: 'welcome', version }))
  }

  /** A primitive result, without the realm's codec. Returns 0; or how many bytes it has, and answers nothing, if these are more than `maxOutput`. */
  primitive(run: number, value: Primitive, maxOutput: number): number {
    return this.value(run, value, maxOutput)
  }

  /** It is done, and there is nothing to say. */
  nothing(run: number): void {
    this.primitive(run, undefined, MAX_OUTPUT.min)
  }

  /** The same with a value of the worker's own. */
  value(run: number, value: unknown, maxOutput: number): number {
    const out = this.#out
    const start = workerToClient.open(out, { type: 'done', run })
    const from = out.position
    this.#encoder.write(out, value)
    const bytes = out.position - from
    if (bytes > maxOutput) {
      out.position = start
      return bytes
    }
    this.#close(start)
    return 0
  }

  /** A value that the realm side encoded. */
  encoded(type: 'done' | 'threw' | 'presetThrew', run: number, bytes: Uint8Array): void {
    const out = this.#out
    const start = workerToClient.open(out, { type, run })
    if (bytes.length <= HANDED_OVER_BYTES) {
      this.#append(bytes)
      this.#close(start)
      return
    }
    // Sent as it is: the realm side never writes again to a buffer of this size.
    out.patchUint32(start, out.position - start - FRAME_HEADER_BYTES + bytes.length)
    this.#large.push(out.detach(this.#left), bytes)
    this.#left = 0
    this.relieve()
  }

  /** Whole frames that a realm side packed. */
  frames(bytes: Uint8Array): void {
    this.#append(bytes)
    this.#unsent++
  }

  /** What a realm has packed so far: it was said before whatever is answered next. */
  guestMessages(realm: RealmContext): void {
    if (realm.record.outboxLength > 0) this.frames(realm.takeOutbox())
  }

  /** Outcomes of a `many` run that a realm side encoded. */
  outcomes(run: number, done: boolean, bytes: Uint8Array, count: number): void {
    const start = this.openOutcomes(run, done, count)
    this.#append(bytes)
    this.closeOutcomes(start)
  }

  /** Begins a message with `count` outcomes, which are written next. */
  openOutcomes(run: number, done: boolean, count: number): number {
    const start = workerToClient.open(this.#out, { type: 'outcomes', run, done })
    this.#out.arrayHeader(2 * count)
    return start
  }

  closeOutcomes(start: number): void {
    this.#close(start)
  }

  /** One outcome that the realm side left in its record, of at most so many bytes. Times, in milliseconds, are those of its input so far. */
  outcome(realm: RealmContext, maxOutput: number, times: InputTimes): void {
    const { record } = realm
    const out = this.#out
    switch (record.status) {
      case Status.primitive: {
        const { value } = record
        record.value = undefined
        if (!isPlainPrimitive(value)) throw new Error('the realm side passed an object off as a primitive')
        const start = out.position
        out.int(OUTCOME.fulfilled)
        const from = out.position
        this.#encoder.write(out, value)
        if (out.position - from <= maxOutput) return
        out.position = start
        this.failedOutcome('ERR_OUTPUT_LIMIT', `the result is larger than the limit of ${maxOutput} bytes`, 'result', times)
        return
      }
      case Status.done:
      case Status.threw:
        out.int(record.status === Status.done ? OUTCOME.fulfilled : OUTCOME.rejected)
        this.#append(realm.result())
        return
      default:
        this.#failedOutcome(record.code, record.message, 'result', times)
    }
  }

  failedOutcome(code: ErrorCode, message: string, phase: Phase, times: InputTimes): void {
    this.#failedOutcome(ERROR_CODES[code], message, phase, times)
  }

  #failedOutcome(code: number, message: string, phase: Phase, { wallMs, cpuMs }: InputTimes): void {
    const out = this.#out
    out.int(OUTCOME.failed)
    out.arrayHeader(OUTCOME_FAILURE_FIELDS)
    out.int(code)
    out.string(message)
    packPhase(out, phase)
    out.number(wallMs)
    out.number(cpuMs)
    out.number(peakRssBytes())
  }

  #append(bytes: Uint8Array): void {
    const out = this.#out
    out.ensure(bytes.length)
    out.bytes.set(bytes, out.position)
    out.position += bytes.length
  }

  /** A message for a client of a named context, with its payload. */
  relay(message: WorkerToClient, payload: Uint8Array): void {
    const start = workerToClient.open(this.#out, message)
    this.#append(payload)
    this.#close(start)
  }

  cacheRefused(hash: Uint8Array): void {
    this.#close(workerToClient.open(this.#out, { type: 'cacheRefused', hash }))
  }

  /** Something that went wrong in a context while no run was waiting for it. */
  unhandled(context: number, error: Error): void {
    const start = workerToClient.open(this.#out, { type: 'unhandled', context, rejection: false })
    this.#encoder.write(this.#out, error)
    this.#close(start)
  }

  /** An error of the worker's own making that the client reports as the guest's: a syntax error. */
  thrown(run: number, error: Error): void {
    const start = workerToClient.open(this.#out, { type: 'threw', run })
    this.#encoder.write(this.#out, error)
    this.#close(start)
  }

  /** `at` is where the guest was, if that is known. */
  failed(run: number, code: ErrorCode, message: string, phase: Phase, wallMs: number, cpuMs: number, at?: GuestPlace): void {
    // What has not begun has left no traces.
    if (phase !== 'queued') this.evidence(run, at)
    if (code === 'ERR_CPU_LIMIT') this.#exhausted(run, phase, wallMs, cpuMs)
    else this.failedWith(run, ERROR_CODES[code], message, phase, wallMs, cpuMs)
  }

  limited(message: Omit<Limited, 'type'>): void {
    this.#close(workerToClient.open(this.#out, { type: 'limited', ...message }))
  }

  nearLimit(message: Omit<NearLimit, 'type'>): void {
    this.#close(workerToClient.open(this.#out, { type: 'nearLimit', ...message }))
  }

  failedWith(run: number, code: number, message: string, phase: Phase, wallMs: number, cpuMs: number): void {
    this.#close(workerToClient.open(this.#out, { type: 'failed', run, code, message, phase, wallMs, cpuMs }))
  }

  /** What is known of a run besides what the next message says, which it fails with. */
  evidence(run: number, at: GuestPlace | undefined): void {
    this.#close(workerToClient.open(this.#out, { type: 'evidence', run, peakRssBytes: peakRssBytes(), at }))
  }

  #exhausted(run: number, phase: Phase, wallMs: number, cpuMs: number): void {
    const { leftMs, configured, observed } = this.#pause
    const retryAfterMs = Math.max(0, leftMs)
    this.#close(workerToClient.open(this.#out, { type: 'exhausted', run, phase, wallMs, cpuMs, retryAfterMs, configured, observed }))
  }

  /** At the end of a turn: everything leaves, or waits with the event loop. */
  flush(): void {
    this.relieve()
    for (const bytes of this.#large.splice(0)) this.#sink.send(bytes)
    // The socket may keep the bytes for a while. What is small is copied, and the buffer used again; what is large is handed over.
    const { position } = this.#out
    if (position > 0) this.#sink.send(position > FLUSH_BYTES ? this.#out.detach(this.#left) : Buffer.from(this.#out.view(this.#left)))
    this.#empty()
  }

  /** Within a turn: what the client has room for leaves. The rest stays here, so that a guest who calls a host function now can be waited for without the event loop. */
  relieve(): void {
    this.#unsent = 0
    this.#heldUp = !this.flushBy((bytes) => this.#sink.trySend(bytes))
  }

  /** Hands what has gathered to `write`, which says how many bytes it took. False if it took none before all were gone: the rest leaves with the next flush. */
  flushBy(write: (bytes: Uint8Array) => number): boolean {
    const large = this.#large
    for (let first = large[0]; first !== undefined; first = large[0]) {
      const taken = first.length === 0 ? 0 : write(first)
      if (taken === first.length) large.shift()
      else if (taken > 0) large[0] = first.subarray(taken)
      else return false
    }
    while (this.#left < this.#out.position) {
      const taken = write(this.#out.view(this.#left))
      if (taken <= 0) return false
      this.#left += taken
    }
    this.#empty()
    return true
  }

  #empty(): void {
    this.#out.reset()
    this.#unsent = 0
    this.#left = 0
    this.#heldUp = false
  }

  #close(start: number): void {
    closeFrame(this.#out, start)
    if (++this.#unsent >= FLUSH_ANSWERS || this.#out.position > FLUSH_BYTES) this.relieve()
  }
}

/** Whether the main realm may take it: nothing of a guest's hangs on it. */
export function isPlainPrimitive(value: unknown): value is Primitive {
  switch (typeof value) {
    case 'object':
      return value === null
    case 'function':
    case 'symbol':
      return false
    default:
      return true
  }
}
