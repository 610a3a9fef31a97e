import { ArrayOf, mapDelete, mapForEach, mapGet, MapOf, mapSet, mapSize, setPrototypeOf } from '../../protocol/msgpack/intrinsics.ts'

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
  /** Whether it is counted among what its context waits for. */
  isCounted: boolean
  /** It has come, or was cleared. */
  isOver: boolean
  /** Of equal times, the one that was set first comes first. */
  order: number
}

/** Places in the heap that cleared timers may hold before it is made anew. */
const SPARE_PLACES = 64

/**
 * Timers by the time when they are due: a map of all, and a binary heap. A deadline may end any of these methods half-way, wherever V8 looks for signals: at the start of a function or
 * the end of a loop's round. The map is what counts; a heap that was left while it was altered is made anew from it.
 */
export class TimerQueue {
  #heap = newHeap()
  readonly #byId = new MapOf<number, Timer>()
  #isHeapWhole = true
  #order = 0

  get size(): number {
    return mapSize(this.#byId)
  }

  /** The next one. */
  first(): Timer | undefined {
    if (!this.#isHeapWhole) this.#rebuild()
    for (;;) {
      const timer = this.#heap[0]
      if (timer === undefined || !timer.isOver) return timer
      // Left in the map if a deadline came between.
      if (mapGet(this.#byId, timer.id) === timer) mapDelete(this.#byId, timer.id)
      this.#isHeapWhole = false
      pop(this.#heap)
      this.#isHeapWhole = true
    }
  }

  add(timer: Timer): void {
    if (!this.#isHeapWhole) this.#rebuild()
    this.#isHeapWhole = false
    timer.order = ++this.#order
    mapSet(this.#byId, timer.id, timer)
    place(this.#heap, timer)
    this.#isHeapWhole = true
  }

  /** The first one comes again at another time. It is there all the while. */
  again(timer: Timer, due: number): void {
    if (!this.#isHeapWhole) this.#rebuild()
    this.#isHeapWhole = false
    timer.due = due
    timer.order = ++this.#order
    pop(this.#heap)
    place(this.#heap, timer)
    this.#isHeapWhole = true
  }

  get(id: number): Timer | undefined {
    const timer = mapGet(this.#byId, id)
    return timer?.isOver === false ? timer : undefined
  }

  /** Its place in the heap is given up when it comes to the top, or when such places are most of the heap. */
  remove(timer: Timer): void {
    timer.isOver = true
    mapDelete(this.#byId, timer.id)
    if (this.#heap.length > 2 * mapSize(this.#byId) + SPARE_PLACES) this.#rebuild()
  }

  #rebuild(): void {
    const heap = newHeap()
    mapForEach(this.#byId, (timer) => {
      if (!(timer as Timer).isOver) place(heap, timer as Timer)
    })
    this.#heap = heap
    this.#isHeapWhole = true
  }
}

function newHeap(): Timer[] {
  return setPrototypeOf(new ArrayOf<Timer>(), null)
}

function place(heap: Timer[], timer: Timer): void {
  let at = heap.length
  while (at > 0) {
    const parent = (at - 1) >> 1
    if (!isBefore(timer, heap[parent] as Timer)) break
    heap[at] = heap[parent] as Timer
    at = parent
  }
  heap[at] = timer
}

function pop(heap: Timer[]): void {
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

function isBefore(one: Timer, other: Timer): boolean {
  return one.due < other.due || (one.due === other.due && one.order < other.order)
}
