import { bindKernel } from '../confinement/kernel.ts'
import { renounceRights } from '../confinement/landlock.ts'
import { setNoNewPrivs } from '../confinement/seccomp.ts'
import { attackKernel, attackNode } from '../confinement/self-attack.ts'
import { filterArch } from '../confinement/syscall-numbers.ts'
import { NODE_ATTACKS } from '../confined/node-attacks.ts'
import { dropPermissions } from '../confined/permissions.ts'
import type { AttackOutcome } from '../protocol/attestation.ts'
import type { ConfineRequest } from '../protocol/worker-link.ts'

/** Which layers a thread sees to, or tries. */
export type ThreadLayers = Pick<ConfineRequest, 'lockDown' | 'dropPermissions'>

// Bound while node:ffi is still permitted.
const kernel = bindKernel()
const arch = filterArch()

/** Gives up what the process could not give up for this thread: a thread's Landlock rights are its own. Before the process's filter, which refuses the call. */
export function renounceOwnRights({ lockDown }: ThreadLayers): void {
  if (!lockDown || kernel === undefined || arch === undefined) return
  setNoNewPrivs(kernel)
  try {
    renounceRights(kernel, arch)
  } catch {
    // No Landlock here: seccomp, which holds for all threads, keeps the same doors shut.
  }
}

/** Tries the process's filter from this thread, drops the thread's grants of Node's, which are its own as well, and tries those. */
export function attestOwnLayers({ lockDown, dropPermissions: drop }: ThreadLayers): AttackOutcome[] {
  const attacks: AttackOutcome[] = []
  if (lockDown && kernel !== undefined && arch !== undefined) attacks.push(...attackKernel(kernel, arch, 'L3'))
  if (!drop) return attacks
  dropPermissions()
  return [...attacks, ...attackNode(NODE_ATTACKS)]
}
