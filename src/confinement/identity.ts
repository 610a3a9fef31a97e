import type { Kernel } from './kernel.ts'

/** The user and group that own nothing: nobody and nogroup, as the kernel itself maps what it cannot name. */
const NOBODY = 65534
const PR_SET_DUMPABLE = 4
const PR_SET_PDEATHSIG = 1
const PR_CAPBSET_DROP = 24
const PR_CAP_AMBIENT = 47
const PR_CAP_AMBIENT_CLEAR_ALL = 4n
const LAST_CAPABILITY = 40
const SIGKILL = 9n

/**
 * If this process is root: becomes nobody, without groups and without capabilities, for good. Changing credentials clears the parent-death signal, so it is set again.
 * @returns whether there was something to give up
 */
export function becomeNobody(kernel: Kernel): boolean {
  if (process.getuid?.() !== 0) return false
  const { prctl, setgroups, setresgid, setresuid } = kernel.libc.functions
  for (let capability = 0; capability <= LAST_CAPABILITY; capability++) prctl(PR_CAPBSET_DROP, BigInt(capability), 0n, 0n, 0n)
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0n, 0n, 0n)
  // Groups first: afterwards there is no right to. Leaving uid 0 clears all capabilities.
  if (setgroups(0n, 0n) !== 0) throw new Error(`setgroups failed: errno ${kernel.errno()}`)
  if (setresgid(NOBODY, NOBODY, NOBODY) !== 0) throw new Error(`setresgid failed: errno ${kernel.errno()}`)
  if (setresuid(NOBODY, NOBODY, NOBODY) !== 0) throw new Error(`setresuid failed: errno ${kernel.errno()}`)
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0n, 0n, 0n) !== 0) throw new Error(`prctl(PR_SET_PDEATHSIG) failed: errno ${kernel.errno()}`)
  return true
}

/** No core dumps, and no other process of the same user may trace this one or read its memory. */
export function becomeUndumpable(kernel: Kernel): void {
  if (kernel.libc.functions.prctl(PR_SET_DUMPABLE, 0n, 0n, 0n, 0n) !== 0)
    throw new Error(`prctl(PR_SET_DUMPABLE) failed: errno ${kernel.errno()}`)
}
