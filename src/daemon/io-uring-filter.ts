import { VERDICT } from '../confinement/bpf.ts'
import { bindKernel } from '../confinement/kernel.ts'
import { installFilter, setNoNewPrivs } from '../confinement/seccomp.ts'
import { compileFilter, type FilterPolicy } from '../confinement/seccomp-filter.ts'
import { filterArch } from '../confinement/syscall-numbers.ts'

const ENOSYS = 38

const policy: FilterPolicy = {
  otherwise: VERDICT.allow,
  rules: [{ call: 'io_uring_setup', verdict: VERDICT.errno(ENOSYS), reason: 'the operations of a ring bypass every filter' }],
}

let refused = false

/**
 * Makes `io_uring_setup` fail with ENOSYS for this process and all that it starts. libuv sets up a ring at start-up on new kernels, and aborts if a later filter refuses to let it use that: a worker must never have one.
 * The filter also sets `no_new_privs`, for good.
 * @returns whether it is in place
 */
export function refuseIoUring(): boolean {
  if (refused) return true
  const kernel = bindKernel()
  const arch = filterArch()
  if (kernel === undefined || arch === undefined) return false
  try {
    setNoNewPrivs(kernel)
    installFilter(kernel, arch, compileFilter(policy, arch))
    refused = true
  } catch {
    // This kernel has no seccomp.
  }
  return refused
}
