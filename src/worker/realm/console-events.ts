import { CONSOLE_LEVELS, consoleCodec, type ConsoleLevel } from '../../protocol/guest-messages.ts'
import { CONSOLE_FLUSH_MS, MAX_CONSOLE_ARGUMENTS_BYTES, MIN_ERROR_DEPTH } from '../../protocol/limits.ts'
import { ArrayOf, defineProperty, setPrototypeOf } from '../../protocol/msgpack/intrinsics.ts'
import { MsgpackWriter } from '../../protocol/msgpack/writer.ts'
import { ValueEncoder } from '../../protocol/values/value-encoder.ts'
import { virtualClock } from './clock.ts'
import { createConsole } from './console.ts'
import { inspect } from './inspect.ts'
import { newBudget } from './inspect/budget.ts'
import { DEFAULT_OPTIONS } from './inspect/inspection.ts'
import { asNative } from './native-function.ts'
import type { NearLimits } from './near-limits.ts'
import type { Outbox } from './outbox.ts'
import type { RealmRecord } from './record.ts'

const { now: timeOfDay } = Date
const SECOND_MS = 1_000

/** Gives the realm its `console`, made when a guest first looks at it: most contexts never do. */
export function installConsole(realmGlobal: object, record: RealmRecord, outbox: Outbox, near: NearLimits): void {
  const become = (value: unknown): void => {
    defineProperty(realmGlobal, 'console', {
      __proto__: null,
      value,
      writable: true,
      enumerable: false,
      configurable: true,
    } as PropertyDescriptor)
  }
  const get = (): object => {
    const console = nativeLooking(createConsole(new ConsoleEvents(record, outbox, near)) as Record<string, unknown>)
    become(console)
    return console
  }
  defineProperty(realmGlobal, 'console', {
    __proto__: null,
    get: asNative(get, 'get console', 0),
    set: asNative(become, 'set console', 1),
    enumerable: false,
    configurable: true,
  } as PropertyDescriptor)
}

/** Sends what a console says, as long as it does not say too much. */
class ConsoleEvents {
  readonly #record: RealmRecord
  readonly #outbox: Outbox
  readonly #near: NearLimits
  #encoder: ValueEncoder | undefined
  #writer = new MsgpackWriter()
  /** The second that is counted, and what was said in it. */
  #secondMs = 0
  #calls = 0
  #bytes = 0
  #dropped = 0
  #isCutOff = false
  /** Since when there is something in the outbox. */
  #waitingSinceMs = 0

  constructor(record: RealmRecord, outbox: Outbox, near: NearLimits) {
    this.#record = record
    this.#outbox = outbox
    this.#near = near
  }

  emit(level: ConsoleLevel, text: string, args: unknown[]): void {
    const nowMs = timeOfDay()
    if (nowMs - this.#secondMs >= SECOND_MS || nowMs < this.#secondMs) {
      this.#secondMs = nowMs
      this.#calls = 0
      this.#bytes = 0
      this.#isCutOff = false
    }
    this.#calls++
    const { maxConsole, maxConsoleLines } = this.#record
    this.#near.count('maxConsoleLines', this.#calls, maxConsoleLines)
    if (this.#calls <= maxConsoleLines && this.#bytes < maxConsole && this.#send(level, text, args, nowMs, maxConsole - this.#bytes)) return
    // What is smaller than this one comes no more, either: nobody reads a text with holes.
    this.#bytes = maxConsole
    // The first is told of at once: there may be no later call that could say how many were dropped.
    if (!this.#isCutOff) {
      this.#isCutOff = true
      const text = 'console: too much output in one second; what comes now is dropped'
      this.#send('warn', text, setPrototypeOf(new ArrayOf<unknown>(), null), nowMs, Number.POSITIVE_INFINITY)
    }
    this.#dropped++
  }

  /** False, and nothing is sent, if the message has more than `maxBytes`. */
  #send(level: ConsoleLevel, text: string, args: unknown[], timeMs: number, maxBytes: number): boolean {
    const record = this.#record
    if (record.outboxLength === 0) this.#waitingSinceMs = timeMs
    const payload = this.#encode(args)
    const dropped = this.#dropped
    const message = { type: 'console', context: record.context, level: numberOf(level), timeMs: toldMs(timeMs), dropped, text } as const
    const start = this.#outbox.add(consoleCodec, message, payload)
    const bytes = record.outboxLength - start
    if (bytes > maxBytes) {
      this.#outbox.takeBack(start)
      return false
    }
    this.#bytes += bytes
    this.#near.count('maxConsole', this.#bytes, this.#record.maxConsole)
    this.#dropped = 0
    if (timeMs - this.#waitingSinceMs >= CONSOLE_FLUSH_MS) this.#outbox.flush()
    else this.#outbox.flushIfMany()
    return true
  }

  /** The arguments; one that cannot cross, or is too large, as its text. Functions are text: nobody gives back what a console has said. */
  #encode(args: unknown[]): MsgpackWriter {
    const writer = this.#fresh()
    if (this.#write(writer, args)) return writer
    const told = setPrototypeOf(new ArrayOf<unknown>(), null)
    const budget = newBudget()
    for (let i = 0; i < args.length; i++)
      told[i] = this.#write(this.#fresh(), args[i]) ? args[i] : inspect(args[i], DEFAULT_OPTIONS, budget)
    // Kept here: a getter that writes to the console makes another the current one.
    const last = this.#fresh()
    if (this.#write(last, told)) return last
    const none = this.#fresh()
    none.arrayHeader(0)
    return none
  }

  #fresh(): MsgpackWriter {
    if (this.#writer.busy) this.#writer = new MsgpackWriter()
    this.#writer.reset()
    this.#writer.maxBytes = MAX_CONSOLE_ARGUMENTS_BYTES
    return this.#writer
  }

  #write(writer: MsgpackWriter, value: unknown): boolean {
    if (this.#encoder === undefined || this.#encoder.busy) {
      const { maxDepth, dataOnly } = this.#record
      // Of several clients, each must be able to take what all are told.
      const depth = dataOnly && maxDepth > MIN_ERROR_DEPTH ? MIN_ERROR_DEPTH : maxDepth
      // @ts-expect-error without a prototype: a guest's Object.prototype must not add options
      this.#encoder = new ValueEncoder({ __proto__: null, maxDepth: depth })
    }
    try {
      this.#encoder.write(writer, value)
      return true
    } catch {
      return false
    }
  }
}

/** The time of day, but where there is another. */
function toldMs(timeMs: number): number {
  return virtualClock()?.nowMs ?? timeMs
}

function numberOf(level: ConsoleLevel): number {
  for (let i = 0; i < CONSOLE_LEVELS.length; i++) if (CONSOLE_LEVELS[i] === level) return i
  return 0
}

function nativeLooking(console: Record<string, unknown>): object {
  const names = Reflect.ownKeys(console)
  for (let i = 0; i < names.length; i++) {
    const name = names[i]
    const method: unknown = typeof name === 'string' ? console[name] : undefined
    if (typeof name === 'string' && typeof method === 'function') console[name] = asNative(method as () => unknown, name, 0)
  }
  return console
}
