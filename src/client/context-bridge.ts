import { ExportedFunctions } from '../protocol/handles/exported-functions.ts'
import { ImportedFunctions } from '../protocol/handles/imported-functions.ts'
import type { ChannelLimits } from '../protocol/channel-limits.ts'
import { HOST_CALLS_PER_SECOND, MAX_HANDLES } from '../protocol/limits.ts'
import { CodecError } from '../protocol/msgpack/codec-error.ts'
import { RemoteObjects } from '../protocol/remote/remote-objects.ts'
import type { FunctionHandle } from '../protocol/values/value-options.ts'
import { ReportedError } from './errors.ts'
import { type GuestFunction, guestFunctionId, isGuestFunction, makeGuestFunction } from './guest-function.ts'
import { type GuestEventMap, type GuestEventName, GuestEvents } from './guest-events.ts'
import { remotePlatform } from './remote-platform.ts'
import { SourceMaps } from './source-maps.ts'

/** What a bridge needs of its channel. */
interface BridgeChannel {
  readonly invoke: (bridge: ContextBridge, handle: number, args: readonly unknown[]) => Promise<unknown>
  /** {@link ContextBridge.takeReleased} has something for the worker. */
  readonly released: (bridge: ContextBridge) => void
}

/** What contexts of a channel may have unless they are made with less. */
export interface BridgeLimits {
  readonly limits: ChannelLimits
  readonly timeoutMs: number
}

/** Host calls that a deadline may have cut off between two requests: they count here and not in the worker. */
const CUT_OFF_CALLS = 100

/** The functions that one context and this process hold of each other, and what the context says by itself. */
export class ContextBridge {
  readonly context: number
  readonly exported = new ExportedFunctions(MAX_HANDLES, {
    isListener: () => false,
    dropped: (fn, wasSent) => this.#remotes?.dropped(fn, wasSent),
  })
  readonly events = new GuestEvents()
  /** Listeners that outlive this bridge. */
  listeners: GuestEvents | undefined
  readonly sourceMaps = new SourceMaps()
  /** Host calls that have no answer yet. */
  inFlight = 0
  /** Drops it with its last handle: its context was made for one run, which is over. */
  isOver = false
  /** What its context may have, and how long a call of one of its functions may take, in milliseconds. */
  limits: ChannelLimits
  timeoutMs: number
  /** Limits that were warned of. */
  warned: Set<string> | undefined
  /** Goes around each call of a function of the guest's. */
  around: ((call: () => Promise<unknown>) => Promise<unknown>) | undefined
  readonly #channel: BridgeChannel
  readonly #imported: ImportedFunctions<GuestFunction>
  #remotes: RemoteObjects | undefined
  /** Host calls since the last request for the context left, less those that time has paid for. */
  #calls = 0
  #callsAtMs = 0

  constructor(context: number, channel: BridgeChannel, { limits, timeoutMs }: BridgeLimits) {
    this.limits = limits
    this.timeoutMs = timeoutMs
    this.context = context
    this.#channel = channel
    this.#imported = new ImportedFunctions<GuestFunction>(MAX_HANDLES, () => channel.released(this))
  }

  hears(name: GuestEventName): boolean {
    return this.events.has(name) || this.listeners?.has(name) === true
  }

  emit<Name extends GuestEventName>(name: Name, ...event: GuestEventMap[Name]): void {
    this.events.emit(name, ...event)
    this.listeners?.emit(name, ...event)
  }

  /** How many functions of the guest's this process holds. */
  get guestFunctions(): number {
    return this.#imported.open
  }

  /** A request for the context leaves. */
  allowCalls(): void {
    this.#calls = 0
  }

  /**
   * Whether the context may make one more host call. A worker keeps to these limits by itself; but calls that were cut off by a deadline do not count there, and it begins anew only when it
   * reads a request.
   */
  mayCall(nowMs: number): boolean {
    const paid = ((nowMs - this.#callsAtMs) / 1000) * 2 * HOST_CALLS_PER_SECOND
    this.#callsAtMs = nowMs
    this.#calls = Math.max(0, this.#calls - paid) + 1
    const { maxHostCalls, maxHostCallsInFlight } = this.limits
    return this.inFlight < 2 * maxHostCallsInFlight && this.#calls <= 2 * maxHostCalls + CUT_OFF_CALLS
  }

  /** Whether any of them is more than a listener: then somebody here may still want something of the context. */
  get isWanted(): boolean {
    return this.#imported.open > (this.#remotes?.listeners ?? 0)
  }

  send(fn: object, isAsync: boolean): FunctionHandle {
    const id = guestFunctionId(fn, this)
    if (id !== undefined) {
      if (this.#imported.get(id) !== fn) throw new CodecError('ERR_VALUE_UNSUPPORTED', "a guest's function that was released cannot cross")
      return { id, isAsync: false, returns: true, name: '' }
    }
    // A function of another guest's gives a promise, too.
    return this.exported.send(fn, isAsync || isGuestFunction(fn))
  }

  receive(handle: FunctionHandle): unknown {
    const { id, name } = handle
    if (handle.returns) {
      const own = this.exported.get(id)
      if (own === undefined) throw new CodecError('ERR_MALFORMED', 'a function came back that was never sent')
      return own.fn
    }
    return this.#imported.receive(id, () => this.#make(id, name))
  }

  /** The objects that one side has of the other's. */
  get remotes(): RemoteObjects {
    this.#remotes ??= new RemoteObjects(remotePlatform(this))
    return this.#remotes
  }

  /** The context is gone: nothing of this process's is used there any more. */
  close(): void {
    this.exported.releaseAll()
  }

  takeReleased(): readonly number[] {
    return this.#imported.takeReleased()
  }

  #make(id: number, name: string): GuestFunction {
    let released = false
    return makeGuestFunction(id, name, this, {
      call: (args) => {
        if (released) throw new ReportedError('ERR_FUNCTION_GONE', `the guest's function '${name}' was released`)
        const call = (): Promise<unknown> => this.#channel.invoke(this, id, args)
        return this.around === undefined ? call() : this.around(call)
      },
      release: () => {
        if (released) return
        released = true
        this.#imported.release(id)
      },
    })
  }
}
