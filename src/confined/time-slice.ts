import { bindKernel } from '../confinement/kernel.ts'
import { filterArch, syscallNumber } from '../confinement/syscall-numbers.ts'

/** Nanoseconds; the usual is 0.7 to 2.8 ms, by the number of cores. */
const SLICE_NS = 10_000_000n
/** struct sched_attr in its first version (linux/sched/types.h). */
const ATTRIBUTE_BYTES = 48
const RUNTIME_AT = 24
const THIS_THREAD = 0

/**
 * Asks for longer turns at a processor than others have, which come less often. Linux lets who wakes, and has a shorter slice, take the processor at once: a service that waits for an answer
 * does not wait for the end of a turn of somebody else's guest that computes (sched_setattr(2): `sched_runtime` of SCHED_OTHER, since Linux 6.12). Older kernels do nothing with it.
 */
export function takeLongSlices(): void {
  const kernel = bindKernel()
  const arch = filterArch()
  if (kernel === undefined || arch === undefined) return
  const attributes = Buffer.alloc(ATTRIBUTE_BYTES)
  const address = kernel.libc.addressOf(attributes)
  // What it is besides, such as nice, is the daemon's.
  if (kernel.syscall(syscallNumber('sched_getattr', arch) as number, THIS_THREAD, address, ATTRIBUTE_BYTES, 0) !== 0) return
  attributes.writeBigUInt64LE(SLICE_NS, RUNTIME_AT)
  // Where it is refused, turns are as usual.
  kernel.syscall(syscallNumber('sched_setattr', arch) as number, THIS_THREAD, address, 0)
}
