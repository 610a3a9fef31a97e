import { CodecError } from '../msgpack/codec-error.ts'
import {
  ArrayOf,
  deref,
  FinalizationRegistryOf,
  mapDelete,
  mapGet,
  MapOf,
  mapSet,
  mapSize,
  registryRegister,
  registryUnregister,
  setPrototypeOf,
  WeakRefOf,
} from '../msgpack/intrinsics.ts'

interface Imported {
  readonly id: number
  readonly ref: WeakRef<object>
  /** How often the handle came. */
  readonly received: { count: number }
}

/**
 * Functions of the peer that this side holds handles of. A handle that comes again gives the same function while that is alive; once it was collected, or given up on purpose,
 * the peer is told.
 */
export class ImportedFunctions<Fn extends object> {
  readonly #byId = new MapOf<number, Imported>()
  readonly #registry: FinalizationRegistry<Imported>
  readonly #maxOpen: number
  readonly #onReleased: () => void
  #released: number[] = setPrototypeOf(new ArrayOf<number>(), null)

  /** @param onReleased called when {@link takeReleased} has something to say. May come from a task of the engine's own. */
  constructor(maxOpen: number, onReleased: () => void) {
    this.#maxOpen = maxOpen
    this.#onReleased = onReleased
    this.#registry = new FinalizationRegistryOf((entry: Imported) => {
      // A handle that came after the collection has taken over the count.
      if (mapGet(this.#byId, entry.id) === entry) this.#drop(entry)
    })
  }

  /** How many of the peer's functions this side holds. */
  get open(): number {
    return mapSize(this.#byId)
  }

  /** The function for an id; undefined if it was given up. */
  get(id: number): Fn | undefined {
    const entry = mapGet(this.#byId, id)
    return entry === undefined ? undefined : (deref(entry.ref) as Fn | undefined)
  }

  /** The function for a handle that came. */
  receive(id: number, make: () => Fn): Fn {
    const known = mapGet(this.#byId, id)
    if (known !== undefined) {
      known.received.count++
      const alive = deref(known.ref)
      if (alive !== undefined) return alive as Fn
    } else if (mapSize(this.#byId) >= this.#maxOpen) {
      throw new CodecError('ERR_VALUE_TOO_LARGE', `more than the limit of ${this.#maxOpen} functions of the other side`)
    }
    const fn = make()
    const entry: Imported = { id, ref: new WeakRefOf<object>(fn), received: known?.received ?? { count: 1 } }
    mapSet(this.#byId, id, entry)
    registryRegister(this.#registry, fn, entry, entry)
    return fn
  }

  /** Gives a function up, which nobody should call any more. */
  release(id: number): void {
    const entry = mapGet(this.#byId, id)
    if (entry === undefined) return
    registryUnregister(this.#registry, entry)
    this.#drop(entry)
  }

  /** What to tell the peer: id and number of handles, in turns. Empty if there is nothing. */
  takeReleased(): readonly number[] {
    const released = this.#released
    if (released.length > 0) this.#released = setPrototypeOf(new ArrayOf<number>(), null)
    return released
  }

  #drop(entry: Imported): void {
    mapDelete(this.#byId, entry.id)
    const released = this.#released
    released[released.length] = entry.id
    released[released.length] = entry.received.count
    if (released.length === 2) this.#onReleased()
  }
}
