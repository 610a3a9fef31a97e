import { ExportedFunctions } from '../protocol/handles/exported-functions.ts'
import { ImportedFunctions } from '../protocol/handles/imported-functions.ts'
import { MAX_HANDLES } from '../protocol/limits.ts'
import { CodecError } from '../protocol/msgpack/codec-error.ts'
import { RemoteObjects } from '../protocol/remote/remote-objects.ts'
import type { FunctionHandle } from '../protocol/values/value-options.ts'
import { ReportedError } from './errors.ts'
import { type GuestFunction, guestFunctionId, isGuestFunction, makeGuestFunction } from './guest-function.ts'
import { GuestEvents } from './guest-events.ts'
import { remotePlatform } from './remote-platform.ts'
import { SourceMaps } from './source-maps.ts'

/** What a bridge needs of its channel. */
interface BridgeChannel {
  readonly invoke: (bridge: ContextBridge, handle: number, args: readonly unknown[]) => Promise<unknown>
  /** {@link ContextBridge.takeReleased} has something for the worker. */
  readonly released: (bridge: ContextBridge) => void
}

/** The functions that one context and this process hold of each other, and what the context says by itself. */
export class ContextBridge {
  readonly context: number
  readonly exported = new ExportedFunctions(MAX_HANDLES, (fn, wasSent) => this.#remotes?.dropped(fn, wasSent))
  readonly events = new GuestEvents()
  readonly sourceMaps = new SourceMaps()
  /** Host calls that have no answer yet. */
  inFlight = 0
  /** Host calls since the last request for the context left. */
  calls = 0
  /** How deep the calls are inside of host functions that this context works on now. */
  readonly depths = new Set<{ readonly depth: number }>()
  /** Drops it with its last handle: its context was made for one run, which is over. */
  isOver = false
  readonly #channel: BridgeChannel
  readonly #imported: ImportedFunctions<GuestFunction>
  #remotes: RemoteObjects | undefined

  constructor(context: number, channel: BridgeChannel) {
    this.context = context
    this.#channel = channel
    this.#imported = new ImportedFunctions<GuestFunction>(MAX_HANDLES, () => channel.released(this))
  }

  /** How many functions of the guest's this process holds. */
  get guestFunctions(): number {
    return this.#imported.open
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

  /** The deepest call that the context works on. */
  get depth(): number {
    let deepest = 0
    for (const { depth } of this.depths) deepest = Math.max(deepest, depth)
    return deepest
  }

  #make(id: number, name: string): GuestFunction {
    let released = false
    return makeGuestFunction(id, name, this, {
      call: (args) => {
        if (released) throw new ReportedError('ERR_FUNCTION_GONE', `the guest's function '${name}' was released`)
        return this.#channel.invoke(this, id, args)
      },
      release: () => {
        if (released) return
        released = true
        this.#imported.release(id)
      },
    })
  }
}
