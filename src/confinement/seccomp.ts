import { encodeProgram, type Instruction } from './bpf.ts'
import type { Kernel } from './kernel.ts'
import { type FilterArch, syscallNumber } from './syscall-numbers.ts'

const PR_SET_NO_NEW_PRIVS = 38
const SECCOMP_SET_MODE_FILTER = 1
/** All threads of the process, not only the caller. */
const SECCOMP_FILTER_FLAG_TSYNC = 1
/** Without it old kernels slow down indirect branches of filtered processes. */
const SECCOMP_FILTER_FLAG_SPEC_ALLOW = 4

/** Sets `no_new_privs`: nothing that this process starts can gain privileges. Needed for a filter without privileges. Cannot be undone. */
export function setNoNewPrivs(kernel: Kernel): void {
  if (kernel.libc.functions.prctl(PR_SET_NO_NEW_PRIVS, 1n, 0n, 0n, 0n) !== 0)
    throw new Error(`prctl(PR_SET_NO_NEW_PRIVS) failed: errno ${kernel.errno()}`)
}

/** Installs a filter on all threads. It can never be removed, and later ones only narrow it. */
export function installFilter(kernel: Kernel, arch: FilterArch, program: readonly Instruction[]): void {
  const code = encodeProgram(program)
  // struct sock_fprog: 16-bit length, padding, pointer.
  const header = new DataView(new ArrayBuffer(16))
  header.setUint16(0, program.length, true)
  header.setBigUint64(8, kernel.libc.addressOf(code), true)
  const number = syscallNumber('seccomp', arch)
  if (number === undefined) throw new Error('this architecture has no seccomp')
  const result = kernel.syscall(
    number,
    SECCOMP_SET_MODE_FILTER,
    SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW,
    kernel.libc.addressOf(header),
  )
  // A positive result is the id of a thread that could not be brought in line.
  if (result !== 0) throw new Error(result < 0 ? `seccomp failed: errno ${-result}` : `seccomp could not reach thread ${result}`)
}
