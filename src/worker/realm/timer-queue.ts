import { ArrayOf, mapDelete, mapGet, MapOf, mapSet, mapSize, setPrototypeOf } from '../../protocol/msgpack/intrinsics.ts'

export interface Timer {
  readonly id: number
  readonly run: () => void
  /** The run that set it. */
  readonly origin: number
  /** Milliseconds from one time to the next; -1 if it comes once. */
  readonly intervalMs: number
  /** Whether its context is busy until then. */
  readonly isAwaited: boolean
  due: number
  /** Of equal times, the one that was set first comes first. */
  order: number
}

/** Places in the heap that cleared timers may hold before it is made anew. */
const SPARE_PLACES = 64

/** Timers by the time when they are due: a binary heap, and a map for those that are cleared. */
export class TimerQueue {
  #heap: Timer[] = setPrototypeOf(new ArrayOf<Timer>(), null)
  readonly #byId = new MapOf<number, Timer>()
  #order = 0

  get size(): number {
    return mapSize(this.#byId)
  }

  /** The next one that was not cleared. */
  first(): Timer | undefined {
    for (;;) {
      const timer = this.#heap[0]
      if (timer === undefined || mapGet(this.#byId, timer.id) === timer) return timer
      this.#pop()
    }
  }

  add(timer: Timer): void {
    timer.order = ++this.#order
    mapSet(this.#byId, timer.id, timer)
    this.#place(timer)
  }

  #place(timer: Timer): void {
    const heap = this.#heap
    let at = heap.length
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(timer, heap[parent] as Timer)) break
      heap[at] = heap[parent] as Timer
      at = parent
    }
    heap[at] = timer
  }

  get(id: number): Timer | undefined {
    return mapGet(this.#byId, id)
  }

  /** Its place in the heap is given up when it comes to the top, or when such places are most of the heap. */
  clear(id: number): void {
    mapDelete(this.#byId, id)
    if (this.#heap.length > 2 * mapSize(this.#byId) + SPARE_PLACES) this.#compact()
  }

  /** Takes the first one out. */
  shift(): void {
    const timer = this.#heap[0]
    if (timer === undefined) return
    mapDelete(this.#byId, timer.id)
    this.#pop()
  }

  #compact(): void {
    const old = this.#heap
    this.#heap = setPrototypeOf(new ArrayOf<Timer>(), null)
    for (let i = 0; i < old.length; i++) {
      const timer = old[i] as Timer
      if (mapGet(this.#byId, timer.id) === timer) this.#place(timer)
    }
  }

  #pop(): void {
    const heap = this.#heap
    const length = heap.length - 1
    const last = heap[length] as Timer
    heap.length = length
    if (length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= length) break
      if (child + 1 < length && isBefore(heap[child + 1] as Timer, heap[child] as Timer)) child++
      if (!isBefore(heap[child] as Timer, last)) break
      heap[at] = heap[child] as Timer
      at = child
    }
    heap[at] = last
  }
}

function isBefore(one: Timer, other: Timer): boolean {
  return one.due < other.due || (one.due === other.due && one.order < other.order)
}
