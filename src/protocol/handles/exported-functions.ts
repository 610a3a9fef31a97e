import { CodecError } from '../msgpack/codec-error.ts'
import { ArrayOf, charCodeAt, mapDelete, mapForEach, mapGet, MapOf, mapSet, mapSize, setPrototypeOf } from '../msgpack/intrinsics.ts'
import { type FunctionHandle, MAX_FUNCTION_NAME } from '../values/value-options.ts'

export interface ExportedFunction {
  readonly fn: object
  readonly isAsync: boolean
  readonly name: string
  readonly id: number
  /** How often the handle was sent, less how often the peer has said that it is done with it. */
  sent: number
}

export interface ExportEvents {
  /** Whether the function only listens: nobody keeps a context alive for it. Always the same for one function. */
  readonly isListener: (fn: object) => boolean
  /** The peer holds the function no longer or, if not `wasSent`, no message with it has left. */
  readonly dropped: (fn: object, wasSent: boolean) => void
}

/**
 * Functions of this side that the peer holds handles of. One function has one id as long as the peer holds it. Counting what was sent makes a release that crosses with a new
 * handle harmless: the peer says how many handles it gives back.
 *
 * A message that fails while it is written has sent nothing: `mark` before, then `commit` or `rollback`. Messages may be written inside each other.
 */
export class ExportedFunctions {
  readonly #byId = new MapOf<number, ExportedFunction>()
  readonly #byFunction = new MapOf<object, ExportedFunction>()
  readonly #maxOpen: number
  readonly #events: ExportEvents
  #listeners = 0
  #journal: ExportedFunction[] = setPrototypeOf(new ArrayOf<ExportedFunction>(), null)
  #last = 0

  constructor(maxOpen: number, events: ExportEvents) {
    this.#maxOpen = maxOpen
    this.#events = events
  }

  /** How many the peer holds. */
  get open(): number {
    return mapSize(this.#byId)
  }

  /** How many of them are more than listeners. */
  get lasting(): number {
    return mapSize(this.#byId) - this.#listeners
  }

  get(id: number): ExportedFunction | undefined {
    return mapGet(this.#byId, id)
  }

  /** The handle for a function, about to be sent once more. */
  send(fn: object, isAsync: boolean): FunctionHandle {
    let entry = mapGet(this.#byFunction, fn)
    if (entry === undefined) {
      if (mapSize(this.#byId) >= this.#maxOpen) {
        const reason = `the other side holds the limit of ${this.#maxOpen} functions; release some`
        throw new CodecError('ERR_VALUE_TOO_LARGE', reason, undefined, 'handles', this.#maxOpen)
      }
      entry = { fn, isAsync, name: nameOf(fn), id: this.#next(), sent: 0 }
      mapSet(this.#byId, entry.id, entry)
      mapSet(this.#byFunction, fn, entry)
      if (this.#events.isListener(fn)) this.#listeners++
    }
    entry.sent++
    this.#journal[this.#journal.length] = entry
    return { id: entry.id, isAsync, returns: false, name: entry.name }
  }

  /** The peer gives `count` handles back. */
  release(id: number, count: number): void {
    this.#release(id, count, true)
  }

  /** The peer is gone, with all that it held. */
  releaseAll(): void {
    mapForEach(this.#byId, (entry) => this.#drop(entry as ExportedFunction, true))
  }

  mark(): number {
    return this.#journal.length
  }

  commit(mark: number): void {
    if (mark === this.#journal.length) return
    this.#journal.length = mark
  }

  rollback(mark: number): void {
    for (let i = mark; i < this.#journal.length; i++) this.#release((this.#journal[i] as ExportedFunction).id, 1, false)
    this.#journal.length = mark
  }

  /** What was written since `mark`, for {@link takeBack}; undefined if that is nothing. */
  since(mark: number): readonly number[] | undefined {
    if (mark === this.#journal.length) return undefined
    const ids: number[] = setPrototypeOf(new ArrayOf<number>(), null)
    for (let i = mark; i < this.#journal.length; i++) ids[i - mark] = (this.#journal[i] as ExportedFunction).id
    return ids
  }

  /** A message that was whole, and committed, was not sent after all. */
  takeBack(ids: readonly number[]): void {
    for (let i = 0; i < ids.length; i++) this.#release(ids[i] as number, 1, false)
  }

  #release(id: number, count: number, wasSent: boolean): void {
    const entry = mapGet(this.#byId, id)
    if (entry === undefined) return
    entry.sent -= count
    if (entry.sent <= 0) this.#drop(entry, wasSent)
  }

  #drop(entry: ExportedFunction, wasSent: boolean): void {
    mapDelete(this.#byId, entry.id)
    mapDelete(this.#byFunction, entry.fn)
    if (this.#events.isListener(entry.fn)) this.#listeners--
    this.#events.dropped(entry.fn, wasSent)
  }

  #next(): number {
    do this.#last = this.#last >= 0xffff_ffff ? 1 : this.#last + 1
    while (mapGet(this.#byId, this.#last) !== undefined)
    return this.#last
  }
}

/** What a function says it is called: a property that may be anything, and may have been made to throw. */
function nameOf(fn: object): string {
  try {
    const name = (fn as { readonly name?: unknown }).name
    if (typeof name !== 'string') return ''
    let cut = ''
    for (let i = 0; i < name.length && i < MAX_FUNCTION_NAME; i++) cut += name[i] as string
    return cut.length > 0 && isHighSurrogate(charCodeAt(cut, cut.length - 1)) ? '' : cut
  } catch {
    return ''
  }
}

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff
