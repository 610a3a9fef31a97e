/**
 * Milliseconds of CLOCK_MONOTONIC, the same in every process of a machine: a deadline that one process writes can be
 * compared by another. (`performance.now()` alone starts at each process's own zero.)
 */
const zeroMs = Number(process.hrtime.bigint()) / 1e6 - performance.now()

/** The same of a time of this process's `performance.now()`. */
export function monotonicOf(ms: number): number {
  return zeroMs + ms
}

/** The time of this process's `performance.now()` that a monotonic one is. */
export function performanceOf(monotonic: number): number {
  return monotonic - zeroMs
}

export function monotonicMs(): number {
  return zeroMs + performance.now()
}
