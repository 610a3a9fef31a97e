import type { Libc } from '../base/libc.ts'

export const PROCESS_TIE_FUNCTIONS = {
  prctl: { arguments: ['int32', 'uint64', 'uint64', 'uint64', 'uint64'], return: 'int32' },
  getppid: { arguments: [], return: 'int32' },
} as const

const PR_SET_PDEATHSIG = 1
const SIGKILL = 9n

/**
 * Has the kernel kill this process when the daemon dies: a guest in a loop would not notice. Throws if the daemon died before that was set.
 */
export function tieToDaemon(libc: Libc<keyof typeof PROCESS_TIE_FUNCTIONS>, daemonPid: number): void {
  if (libc.functions.prctl(PR_SET_PDEATHSIG, SIGKILL, 0n, 0n, 0n) !== 0) throw new Error('prctl(PR_SET_PDEATHSIG) failed')
  if (daemonPid !== 0 && libc.functions.getppid() !== daemonPid) throw new Error('the daemon died while this worker started')
}
