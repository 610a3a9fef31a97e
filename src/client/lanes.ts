import { unlessAborted } from './abort.ts'
import type { Connection } from './connection.ts'
import type { Script } from './compiler/script.ts'
import { MAX_ATTEMPTS } from './context-maker.ts'
import type { Control, Lease } from './control.ts'
import { isDeath } from './death.ts'
import { queuedTimeout, untilDue } from './due.ts'
import { ConnectionError, OverloadedError, ProtocolError } from './errors.ts'
import type { GuestEvents } from './guest-events.ts'
import { Lane } from './lane.ts'
import { LaneGrowth } from './lane-growth.ts'
import type { Naming } from './named-options.ts'
import { type Placement, wishOf } from './placement.ts'
import type { RefusedScripts } from './refused-scripts.ts'
import type { OneShotSettings, RunPolicy } from './run-options.ts'
import type { LeasePurpose } from '../protocol/control-link.ts'
import { HELLO_TIMEOUT_MS } from '../protocol/limits.ts'
import type { Trust } from '../protocol/placement.ts'

type AskForLease<Leased> = (control: Control, known: readonly number[]) => Promise<Leased>

interface LanesBox {
  readonly connection: Connection
  readonly policy: RunPolicy
  readonly guests: GuestEvents
  readonly refused: RefusedScripts
  /** V8 did not take the code cache of a script. */
  readonly cacheRefused: (script: Script) => void
  /** Throws why there is nothing to be had any more. */
  readonly assertOpen: () => void
}

/** Those that are all of this; where none is, it does not matter. */
function best(lanes: Lane[], wishes: readonly ((lane: Lane) => boolean)[]): Lane[] {
  return wishes.reduce((left, wish) => {
    const some = left.filter(wish)
    return some.length > 0 ? some : left
  }, lanes)
}

/** The workers that a box has leased, and how it comes to have more. */
export class Lanes implements Iterable<Lane> {
  readonly #box: LanesBox
  readonly #lanes = new Set<Lane>()
  /** Workers that take no more. */
  readonly #draining = new Set<number>()
  readonly #opening = new Map<Trust, Promise<Lane>>()
  readonly #growth: Readonly<Record<Trust, LaneGrowth>> = { team: new LaneGrowth(), tenant: new LaneGrowth(), hostile: new LaneGrowth() }

  constructor(box: LanesBox) {
    this.#box = box
  }

  get size(): number {
    return this.#lanes.size
  }

  [Symbol.iterator](): Iterator<Lane> {
    return this.#lanes.values()
  }

  /** The lanes to a worker. */
  of(worker: number): Lane[] {
    return [...this.#lanes].filter((lane) => lane.worker === worker)
  }

  /** The worker takes no more. Whoever attaches to a named context there opens a lane all the same. */
  drain(worker: number): void {
    this.#draining.add(worker)
    for (const lane of this.of(worker)) lane.drain()
  }

  countFunctions(): { readonly guestFunctions: number; readonly hostFunctions: number } {
    let guestFunctions = 0
    let hostFunctions = 0
    for (const lane of this.#lanes) {
      const { guest, host } = lane.countFunctions()
      guestFunctions += guest
      hostFunctions += host
    }
    return { guestFunctions, hostFunctions }
  }

  /** The lane for a single run, given for it. */
  async forRun({ fresh, placement, signal, due }: OneShotSettings, unwanted: (lane: Lane) => void): Promise<Lane> {
    const lane = async (waitMs: number): Promise<Lane> => this.#given(fresh === 'process', placement, waitMs)
    if (due === undefined) return unlessAborted(lane(this.#box.policy.queueTimeoutMs), signal, unwanted)
    const leftMs = Math.max(0, Math.ceil(due.atMs - performance.now()))
    try {
      return await untilDue(due, 0, 0, signal, async (ended) =>
        unlessAborted(lane(Math.min(leftMs, this.#box.policy.queueTimeoutMs)), ended, unwanted),
      )
    } catch (error) {
      // The daemon knows of the same deadline.
      throw error instanceof OverloadedError && performance.now() >= due.atMs ? queuedTimeout(due, 0) : error
    }
  }

  /** A lane for what no context is needed for, given for it. */
  async forCall(): Promise<Lane> {
    const { placement, queueTimeoutMs } = this.#box.policy
    return this.#given(placement.trust === 'hostile', placement, queueTimeoutMs)
  }

  async #given(isAlone: boolean, placement: Placement, waitMs: number): Promise<Lane> {
    if (!isAlone) return this.#any(placement)
    const lane = await this.lease('process', placement, waitMs)
    lane.give()
    return lane
  }

  /** The open lane with the least to do. The first caller opens one, and others wait with it; when all have something to do, more are asked for. */
  async #any(placement: Placement): Promise<Lane> {
    this.#box.assertOpen()
    let least = this.#least(placement) ?? (await this.#first(placement))
    const growing = this.#growth[placement.trust].chosen(least, performance.now(), async () => this.#leaseAnother(placement))
    if (growing !== undefined) {
      await growing
      least = this.#least(placement) ?? least
    }
    // In the turn of the choice: whoever chooses next is to know of it.
    least.give()
    return least
  }

  /** Among equals that which has had nothing to do for longest: its worker has had time to make the next context. */
  #least(placement: Placement): Lane | undefined {
    let least: Lane | undefined
    for (const lane of best(this.#shared(placement), [({ isOpen }) => isOpen, ({ isComputing }) => !isComputing]))
      if (least === undefined || lane.load < least.load || (lane.load === least.load && lane.givenMs < least.givenMs)) least = lane
    return least
  }

  async #first(placement: Placement): Promise<Lane> {
    const { trust } = placement
    let opening = this.#opening.get(trust)
    opening ??= this.lease('run', placement).finally(() => this.#opening.delete(trust))
    this.#opening.set(trust, opening)
    return opening
  }

  /** Whether the daemon has another worker at hand. */
  async #leaseAnother(placement: Placement): Promise<boolean> {
    const known = new Set(this.#shared(placement))
    return !known.has(await this.lease('run', placement))
  }

  /** What of shared workers there are several of is their company: their size is the connection's. */
  #shared({ trust: wanted }: Placement): Lane[] {
    return [...this.#lanes].filter(({ alive, dedicated, isDraining, trust }) => alive && !dedicated && !isDraining && trust === wanted)
  }

  async lease(purpose: LeasePurpose, placement: Placement, waitMs: number = this.#box.policy.queueTimeoutMs): Promise<Lane> {
    const wish = wishOf(placement)
    const { lane } = await this.#opened(
      async (control, known) => control.lease(purpose, known, waitMs, wish),
      purpose === 'process',
      placement,
    )
    return lane
  }

  async leaseNamed(naming: Naming): Promise<{ readonly lane: Lane; readonly key: Uint8Array }> {
    const { lane, lease } = await this.#opened(
      async (control, known) => control.leaseNamed(naming, known, this.#box.policy.queueTimeoutMs),
      false,
      this.#box.policy.placement,
    )
    return { lane, key: lease.key }
  }

  /** Another worker is asked for if one dies before it lets this client in. */
  async #opened<Leased extends Omit<Lease, 'type'>>(
    ask: AskForLease<Leased>,
    dedicated: boolean,
    placement: Placement,
  ): Promise<{ lane: Lane; lease: Leased }> {
    const startedMs = performance.now()
    const queueMs = this.#box.policy.queueTimeoutMs
    // One that says nothing has taken the caller's time already; one that computes, and dies of it, has taken what a lease may take.
    const patienceMs = (error: unknown): number =>
      error instanceof ConnectionError ? HELLO_TIMEOUT_MS : Math.max(HELLO_TIMEOUT_MS, queueMs)
    const mayTryAgain = (error: unknown): boolean => isDeath(error) && performance.now() - startedMs < patienceMs(error)
    for (let attempt = 1; ; attempt++) {
      const leased = await this.#leaseOnce(ask, dedicated, placement)
      try {
        await leased.lane.opened(queueMs, startedMs)
        if (this.#draining.has(leased.lane.worker)) leased.lane.drain()
        return leased
      } catch (error) {
        if (attempt === MAX_ATTEMPTS || !mayTryAgain(error)) throw error
      }
    }
  }

  async #leaseOnce<Leased extends Omit<Lease, 'type'>>(
    ask: AskForLease<Leased>,
    dedicated: boolean,
    placement: Placement,
  ): Promise<{ lane: Lane; lease: Leased }> {
    this.#box.assertOpen()
    const { control, lease, known } = await this.#box.connection.ask(async (control) => {
      const known = this.#shared(placement)
      const workers = known.map(({ worker }) => worker)
      return { control, known, lease: await ask(control, workers) }
    })
    if (lease.path === undefined) {
      const lane = known.find(({ worker }) => worker === lease.worker)
      if (lane === undefined) throw new ProtocolError('ERR_PROTOCOL', `the daemon leased worker ${lease.worker}, which is unknown here`)
      return { lane, lease }
    }
    this.#box.assertOpen()
    const options = {
      dedicated,
      trust: placement.trust,
      defaults: { limits: this.#box.policy.limits, timeoutMs: this.#box.policy.defaultMs },
      guests: this.#box.guests,
      refused: this.#box.refused,
      // Without machine code V8 takes none, and the script is as good as ever.
      cacheRefused: (script: Script) => placement.jit && this.#box.cacheRefused(script),
    }
    const lane = new Lane(lease, lease.path, options, control, (ended) => this.#ended(ended))
    this.#lanes.add(lane)
    return { lane, lease }
  }

  #ended(lane: Lane): void {
    this.#lanes.delete(lane)
    if (this.of(lane.worker).length === 0) this.#draining.delete(lane.worker)
  }
}
