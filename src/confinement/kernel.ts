import { bindLibc, type Libc } from '../base/libc.ts'

const FUNCTIONS = {
  syscall: { arguments: ['int64', 'int64', 'int64', 'int64', 'int64', 'int64', 'int64'], return: 'int64' },
  __errno_location: { arguments: [], return: 'pointer' },
  prctl: { arguments: ['int32', 'uint64', 'uint64', 'uint64', 'uint64'], return: 'int32' },
  setrlimit: { arguments: ['int32', 'pointer'], return: 'int32' },
  getrlimit: { arguments: ['int32', 'pointer'], return: 'int32' },
  // glibc and musl apply these to all threads of the process.
  setgroups: { arguments: ['uint64', 'pointer'], return: 'int32' },
  setresgid: { arguments: ['uint32', 'uint32', 'uint32'], return: 'int32' },
  setresuid: { arguments: ['uint32', 'uint32', 'uint32'], return: 'int32' },
} as const

export interface Kernel {
  readonly libc: Libc<keyof typeof FUNCTIONS>
  /** A raw system call. Returns the result, or minus errno. */
  syscall(number: number, ...args: (number | bigint)[]): number
  /** errno of the libc function that failed last. */
  errno(): number
}

/** System calls through `node:ffi`; `undefined` where there is none. */
export function bindKernel(): Kernel | undefined {
  const libc = bindLibc(FUNCTIONS)
  if (libc === undefined) return undefined
  const location = libc.functions.__errno_location()
  const cell = new Int32Array(libc.viewOf(BigInt(location), 4))
  const errno = (): number => cell[0] as number
  return {
    libc,
    errno,
    syscall(number, ...args) {
      const six = [0, 1, 2, 3, 4, 5].map((index) => BigInt(args[index] ?? 0))
      const result = Number(libc.functions.syscall(BigInt(number), ...six))
      return result === -1 ? -errno() : result
    },
  }
}
