import { type ExportEvents, ExportedFunctions } from '../../protocol/handles/exported-functions.ts'
import { ImportedFunctions } from '../../protocol/handles/imported-functions.ts'
import { hostCallCodec, releasedByGuestCodec } from '../../protocol/guest-messages.ts'
import { MAX_ARGUMENTS, MAX_HANDLES, MAX_RELEASED } from '../../protocol/limits.ts'
import {
  ArrayOf,
  mapDelete,
  mapForEach,
  mapGet,
  MapOf,
  mapSet,
  mapSize,
  setPrototypeOf,
  weakMapDelete,
  weakMapGet,
  WeakMapOf,
  weakMapSet,
} from '../../protocol/msgpack/intrinsics.ts'
import type { FunctionHandle } from '../../protocol/values/value-options.ts'
import { forGuest, guestError, stackOverflow } from './guest-error.ts'
import { asNative } from './native-function.ts'
import type { NearLimits } from './near-limits.ts'
import type { Outbox } from './outbox.ts'
import { awaitEnd } from './await-end.ts'
import { Answer, ATTENTION, type Bridge, type RealmRecord, Request } from './record.ts'
import type { RealmValues } from './values.ts'

const { apply } = Reflect
const NativePromise = Promise
const { reject: rejectPromise } = NativePromise
const { isError: isNativeError, captureStackTrace } = Error as unknown as {
  isError(value: unknown): boolean
  captureStackTrace(error: object, above: object): void
}

type HostFunction = (...args: unknown[]) => unknown

interface Waiting {
  readonly name: string
  /** The run that it was called in. */
  readonly origin: number
  readonly resolve: (value: unknown) => void
  readonly reject: (reason: unknown) => void
}

/** The functions that cross: the client's in this realm, and this realm's at the client's. */
export class Functions {
  readonly exported: ExportedFunctions
  readonly #record: RealmRecord
  readonly #outbox: Outbox
  readonly #bridge: Bridge
  readonly #values: RealmValues
  readonly #imported: ImportedFunctions<HostFunction>
  /** Ids of the client's functions, to send them home as what they are. */
  readonly #homes = new WeakMapOf<object, number>()
  readonly #waiting = new MapOf<number, Waiting>()
  readonly #near: NearLimits
  #lastCall = 0

  constructor(record: RealmRecord, outbox: Outbox, bridge: Bridge, values: RealmValues, near: NearLimits, events: ExportEvents) {
    this.#near = near
    this.exported = new ExportedFunctions(MAX_HANDLES, events)
    this.#record = record
    this.#outbox = outbox
    this.#bridge = bridge
    this.#values = values
    this.#imported = new ImportedFunctions<HostFunction>(MAX_HANDLES, () => {
      record.attention |= ATTENTION.report
    })
  }

  send(fn: object, isAsync: boolean): FunctionHandle {
    const home = weakMapGet(this.#homes, fn)
    if (home !== undefined) return { id: home, isAsync: false, returns: true, name: '' }
    return this.exported.send(fn, isAsync)
  }

  /** Whoever was writing a message when an evaluate ended half-way is gone, and what it meant to send was not sent. */
  recover(): void {
    if (this.exported.mark() === 0) return
    this.exported.rollback(0)
    this.count()
  }

  count(): void {
    // What a message that is being written holds may not be sent after all.
    if (this.exported.mark() === 0) {
      this.#record.exported = this.exported.open
      this.#record.lasting = this.exported.lasting
    }
    this.#record.imported = this.#imported.open
    const { exported, imported } = this.#record
    this.#near.count('maxHandles', exported > imported ? exported : imported, MAX_HANDLES)
  }

  receive(handle: FunctionHandle): unknown {
    const { id, isAsync, name } = handle
    if (handle.returns) {
      const own = this.exported.get(id)
      if (own === undefined) throw guestError('ERR_FUNCTION_GONE', 'a function came back that was released')
      return own.fn
    }
    const fn = this.#imported.receive(id, () => this.#make(id, isAsync, name))
    this.count()
    return fn
  }

  /** Whether it is a function of the client's. */
  isImported(fn: object): boolean {
    return weakMapGet(this.#homes, fn) !== undefined
  }

  /** Gives a function of the client's back, which nobody calls any more. */
  releaseImported(fn: object): void {
    const id = weakMapGet(this.#homes, fn)
    if (id === undefined) return
    weakMapDelete(this.#homes, fn)
    this.#imported.release(id)
    this.count()
  }

  /** The client gives handles back: ids and counts in turns, 32 bits each, big-endian. */
  releaseExported(bytes: Uint8Array, length: number): void {
    for (let at = 0; at + 8 <= length; at += 8) this.exported.release(readUint32(bytes, at), readUint32(bytes, at + 4))
    this.count()
  }

  /** Tells the client which handles this realm gives back. */
  reportReleased(): void {
    const released = this.#imported.takeReleased()
    for (let from = 0; from < released.length; from += 2 * MAX_RELEASED) {
      const handles = setPrototypeOf(new ArrayOf<number>(), null)
      for (let i = from; i < released.length && i < from + 2 * MAX_RELEASED; i++) handles[i - from] = released[i] as number
      this.#outbox.add(releasedByGuestCodec, { type: 'releasedByGuest', context: this.#record.context, handles })
    }
    this.count()
  }

  /** The answer to an asynchronous call has come, as the record says. */
  answered(call: number, answer: number): void {
    const waiting = mapGet(this.#waiting, call)
    const record = this.#record
    if (waiting === undefined) {
      // Whoever called was ended before the answer came. It is read all the same: the functions in it count as held until they are given back.
      if (answer !== Answer.primitive) this.#values.readInput(record)
    } else {
      record.origin = waiting.origin
      try {
        const value = answer === Answer.primitive ? this.#taken() : this.#decode(record.length)
        if (answer === Answer.raised) waiting.reject(value)
        else waiting.resolve(value)
      } catch (error) {
        waiting.reject(forGuest(error))
      }
      this.#forget(call)
    }
    // Taken. Until here this evaluate may have been ended, and the worker tries again.
    record.call = 0
  }

  #make(id: number, isAsync: boolean, name: string): HostFunction {
    const call: HostFunction = isAsync ? (...args) => this.#callAsync(id, name, args) : (...args) => this.#callSync(id, name, args, call)
    const fn = asNative(call, name, 0)
    weakMapSet(this.#homes, fn, id)
    return fn
  }

  #callSync(id: number, name: string, args: unknown[], caller: HostFunction): unknown {
    const record = this.#record
    const call = this.#nextCall()
    const start = this.#write(id, call, true, args)
    record.call = call
    record.calling = name === '' ? 'anonymous' : name
    let answer = this.#ask(Request.call)
    if (answer === Answer.larger) {
      record.input = new Uint8Array(record.replyLength)
      answer = this.#ask(Request.fetch)
    }
    switch (answer) {
      case Answer.promised:
        return this.#wait(call, name)
      case Answer.primitive: {
        const { reply } = record
        record.reply = undefined
        return reply
      }
      case Answer.returned:
        return this.#decode(record.replyLength)
      case Answer.raised:
        throw traced(this.#decode(record.replyLength), caller)
      case Answer.refused:
        this.#outbox.takeBack(start)
        throw guestError('ERR_OVERLOADED', 'the host does not read what it was sent')
      case Answer.end:
        return awaitEnd(this.#bridge)
      default:
        // Not sent: the stack is used up.
        this.#outbox.takeBack(start)
        throw stackOverflow()
    }
  }

  #callAsync(id: number, name: string, args: unknown[]): unknown {
    try {
      const call = this.#nextCall()
      this.#write(id, call, false, args)
      const promise = this.#wait(call, name)
      this.#outbox.flushIfMany()
      return promise
    } catch (error) {
      return apply(rejectPromise, NativePromise, [error])
    }
  }

  #ask(request: Request): number {
    try {
      return this.#bridge(request)
    } catch {
      return -1
    }
  }

  #write(fn: number, call: number, sync: boolean, args: unknown[]): number {
    const record = this.#record
    if (args.length > MAX_ARGUMENTS)
      throw guestError('ERR_VALUE_TOO_LARGE', `a call with ${args.length} arguments, over the limit of ${MAX_ARGUMENTS}`)
    try {
      const mark = this.#values.mark()
      const payload = this.#values.writeArguments(args, record.maxOutput)
      const start = this.#outbox.add(
        hostCallCodec,
        { type: 'hostCall', context: record.context, call, fn, run: record.origin, sync },
        payload,
      )
      this.#values.commit(mark)
      return start
    } catch (error) {
      throw forGuest(error)
    }
  }

  #taken(): unknown {
    const { value } = this.#record
    this.#record.value = undefined
    return value
  }

  /** What the host returned or threw. */
  #decode(length: number): unknown {
    try {
      return this.#values.readInput(this.#record, length)
    } catch (error) {
      throw forGuest(error)
    }
  }

  #wait(call: number, name: string): Promise<unknown> {
    return new NativePromise((resolve, reject) => {
      mapSet(this.#waiting, call, { name, origin: this.#record.origin, resolve, reject })
      this.#near.count('maxHostCallsInFlight', mapSize(this.#waiting), this.#record.maxCallsInFlight)
      this.#record.busy++
      this.#record.waitingFor = name === '' ? 'anonymous' : name
    })
  }

  #forget(call: number): void {
    mapDelete(this.#waiting, call)
    this.#record.busy--
    if (mapSize(this.#waiting) === 0) this.#record.waitingFor = ''
    else if (mapSize(this.#waiting) < 8) {
      // Which of many does not matter.
      mapForEach(this.#waiting, (waiting) => {
        const { name } = waiting as Waiting
        this.#record.waitingFor = name === '' ? 'anonymous' : name
      })
    }
  }

  #nextCall(): number {
    const record = this.#record
    const { maxCallsInFlight, maxCalls } = record
    if (mapSize(this.#waiting) >= maxCallsInFlight)
      throw guestError('ERR_HOST_CALL_LIMIT', `${maxCallsInFlight} host calls of this context are unanswered, which is the limit`)
    if (++record.calls > maxCalls) throw guestError('ERR_HOST_CALL_LIMIT', `over the limit of ${maxCalls} host calls in one run`)
    this.#near.count('maxHostCalls', record.calls, maxCalls)
    this.#lastCall = this.#lastCall >= 0xffff_ffff ? 1 : this.#lastCall + 1
    return this.#lastCall
  }
}

/** An error of the host's, with the frames of the guest that called `caller`. */
function traced(raised: unknown, caller: HostFunction): unknown {
  if (isNativeError(raised)) captureStackTrace(raised as object, caller)
  return raised
}

function readUint32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)) >>> 0
  )
}
