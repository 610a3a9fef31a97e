import { bindLibc } from '../base/libc.ts'

/** struct sock_filter: 16-bit code, two jump offsets, 32-bit operand (linux/filter.h). */
type Instruction = readonly [code: number, whenTrue: number, whenFalse: number, operand: number]

const BPF_LD_W_ABS = 0x20
const BPF_JMP_JEQ_K = 0x15
const BPF_RET_K = 0x06
/** The same number on every architecture since Linux 5.1. */
const NR_IO_URING_SETUP = 425
/** The x32 calls of x86-64 carry this bit. */
const X32_BIT = 0x40000000
const SECCOMP_RET_ALLOW = 0x7fff0000
const SECCOMP_RET_ERRNO_ENOSYS = 0x00050000 | 38

const PROGRAM: readonly Instruction[] = [
  // seccomp_data.nr is at offset 0.
  [BPF_LD_W_ABS, 0, 0, 0],
  [BPF_JMP_JEQ_K, 1, 0, NR_IO_URING_SETUP],
  [BPF_JMP_JEQ_K, 0, 1, NR_IO_URING_SETUP | X32_BIT],
  [BPF_RET_K, 0, 0, SECCOMP_RET_ERRNO_ENOSYS],
  [BPF_RET_K, 0, 0, SECCOMP_RET_ALLOW],
]

const PR_SET_SECCOMP = 22
const SECCOMP_MODE_FILTER = 2n
const PR_SET_NO_NEW_PRIVS = 38

let refused = false

/**
 * Makes `io_uring_setup` fail with ENOSYS for this process and all that it starts. libuv sets up a ring at start-up on new kernels, and the operations of a ring bypass
 * seccomp: a worker must never have one. The filter also sets `no_new_privs`, for good.
 * @returns whether it is in place
 */
export function refuseIoUring(): boolean {
  if (refused) return true
  const libc = bindLibc({ prctl: { arguments: ['int32', 'uint64', 'uint64', 'uint64', 'uint64'], return: 'int32' } })
  if (libc === undefined) return false
  const code = new DataView(new ArrayBuffer(PROGRAM.length * 8))
  for (const [index, [operation, whenTrue, whenFalse, operand]] of PROGRAM.entries()) {
    code.setUint16(index * 8, operation, true)
    code.setUint8(index * 8 + 2, whenTrue)
    code.setUint8(index * 8 + 3, whenFalse)
    code.setUint32(index * 8 + 4, operand, true)
  }
  // struct sock_fprog: 16-bit length, padding, pointer.
  const program = new DataView(new ArrayBuffer(16))
  program.setUint16(0, PROGRAM.length, true)
  program.setBigUint64(8, libc.addressOf(code), true)
  const { prctl } = libc.functions
  refused =
    prctl(PR_SET_NO_NEW_PRIVS, 1n, 0n, 0n, 0n) === 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, libc.addressOf(program), 0n, 0n) === 0
  return refused
}
