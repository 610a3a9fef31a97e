import type { GuestEventMap, GuestEventName } from './guest-events.ts'
import { type BridgeLimits, ContextBridge } from './context-bridge.ts'

/** What the bridges of a channel need of it. */
interface BridgesChannel {
  /** Calls a function of a guest's. */
  readonly invoke: (bridge: ContextBridge, handle: number, args: readonly unknown[]) => Promise<unknown>
  /** Tells the worker of handles that are given back: ids and numbers in turns. */
  readonly giveBack: (context: number, handles: readonly number[]) => void
}

/** The bridges of a channel's contexts. Only a context to which functions crossed, or which is listened to, has one. */
export class Bridges {
  readonly #channel: BridgesChannel
  readonly #limits: BridgeLimits
  readonly #byContext = new Map<number, ContextBridge>()
  #contexts = 0

  constructor(channel: BridgesChannel, limits: BridgeLimits) {
    this.#limits = limits
    this.#channel = channel
  }

  /** A number for a new context of the channel. */
  nextContext(): number {
    return ++this.#contexts
  }

  /** How many contexts have one. */
  get size(): number {
    return this.#byContext.size
  }

  find(context: number): ContextBridge | undefined {
    return this.#byContext.get(context)
  }

  /** Makes it if there is none. */
  open(context: number): ContextBridge {
    let bridge = this.#byContext.get(context)
    if (bridge === undefined) {
      bridge = new ContextBridge(
        context,
        {
          invoke: (caller, handle, args) => this.#channel.invoke(caller, handle, args),
          released: (released) => process.nextTick(() => this.#release(released)),
        },
        this.#limits,
      )
      this.#byContext.set(context, bridge)
    }
    return bridge
  }

  /** Whether this is the bridge of a context that there still is. */
  has(bridge: ContextBridge): boolean {
    return this.#byContext.get(bridge.context) === bridge
  }

  /** Who says something by itself. Undefined for a context that is gone, which its worker may hear too late, and a single run to which no function crossed. It cannot speak for one that never was. */
  speaker(context: number): ContextBridge | undefined {
    if (context === 0 || context > this.#contexts) throw new Error('it speaks for a context that there never was')
    return this.#byContext.get(context)
  }

  /** The one run of this context is over. */
  over(context: number): void {
    const bridge = this.#byContext.get(context)
    if (bridge === undefined) return
    bridge.isOver = true
    this.#forgetIfOver(bridge)
  }

  /** The context is gone: whatever this process holds of it is, too. */
  forget(context: number): void {
    const bridge = this.#byContext.get(context)
    this.#byContext.delete(context)
    bridge?.close()
  }

  forgetAll(): void {
    for (const context of this.#byContext.keys()) this.forget(context)
  }

  /** To the listeners of all contexts. */
  emit<Name extends GuestEventName>(name: Name, ...event: GuestEventMap[Name]): void {
    for (const bridge of this.#byContext.values()) bridge.emit(name, ...event)
  }

  /** Functions that this process holds of guests, and guests of this process. */
  countFunctions(): { readonly guest: number; readonly host: number } {
    let guest = 0
    let host = 0
    for (const bridge of this.#byContext.values()) {
      guest += bridge.guestFunctions
      host += bridge.exported.open
    }
    return { guest, host }
  }

  #release(bridge: ContextBridge): void {
    const handles = bridge.takeReleased()
    if (!this.has(bridge)) return
    this.#channel.giveBack(bridge.context, handles)
    this.#forgetIfOver(bridge)
  }

  #forgetIfOver(bridge: ContextBridge): void {
    if (bridge.isOver && !bridge.isWanted) this.forget(bridge.context)
  }
}
