import type { Kernel } from '../confinement/kernel.ts'
import { filterArch, syscallNumber } from '../confinement/syscall-numbers.ts'

/** Turns that a thread takes at a processor, in nanoseconds; the usual are 0.7 to 2.8 ms, by the number of cores. The kernel takes 0.1 to 100 ms. */
export const SLICE_NS = {
  /** For what ends others' turns. */
  watchdog: 100_000n,
  /** For what computes on behalf of a guest. */
  guest: 10_000_000n,
} as const
/** struct sched_attr in its first version (linux/sched/types.h). */
const ATTRIBUTE_BYTES = 48
const RUNTIME_AT = 24
const THIS_THREAD = 0

/**
 * Sets how long this thread's turns are, and those of the threads that it starts from now on. Linux lets who wakes, and takes shorter turns, have the processor at once, and who takes longer ones come
 * less often (sched_setattr(2): `sched_runtime` of SCHED_OTHER, since Linux 6.12). A service that waits for an answer does not wait for the end of a turn of somebody else's guest that computes. Older
 * kernels do nothing with it.
 */
export function takeSlices(kernel: Kernel | undefined, ns: bigint): void {
  const arch = filterArch()
  if (kernel === undefined || arch === undefined) return
  const attributes = Buffer.alloc(ATTRIBUTE_BYTES)
  const address = kernel.libc.addressOf(attributes)
  // What it is besides, such as nice, is the daemon's.
  if (kernel.syscall(syscallNumber('sched_getattr', arch) as number, THIS_THREAD, address, ATTRIBUTE_BYTES, 0) !== 0) return
  attributes.writeBigUInt64LE(ns, RUNTIME_AT)
  // Where it is refused, turns are as usual.
  kernel.syscall(syscallNumber('sched_setattr', arch) as number, THIS_THREAD, address, 0)
}
