import type { Kernel } from './kernel.ts'
import { type FilterArch, syscallNumber } from './syscall-numbers.ts'

const LANDLOCK_CREATE_RULESET_VERSION = 1

/** Rights that each version of the interface added (linux/landlock.h). */
const FS_RIGHTS: readonly (readonly [abi: number, mask: bigint])[] = [
  [1, 0x1fffn],
  [2, 0x2000n],
  [3, 0x4000n],
  [5, 0x8000n],
]
/** Binding and connecting TCP sockets. */
const NET_RIGHTS = { abi: 4, mask: 0x3n }
/** Abstract Unix sockets and signals to processes outside. */
const SCOPES = { abi: 6, mask: 0x3n }

/** The version of Landlock that the kernel has; 0 if none, or if it is not enabled at boot. */
export function landlockAbi(kernel: Kernel, arch: FilterArch): number {
  return Math.max(0, kernel.syscall(number('landlock_create_ruleset', arch), 0, 0, LANDLOCK_CREATE_RULESET_VERSION))
}

/**
 * Gives up, for the calling thread and what it starts, every right that the kernel's Landlock knows: no file can be opened, made, removed or executed, no TCP
 * socket bound or connected, no process outside signalled. Threads that exist already are not covered: seccomp is what holds for them.
 * Descriptors that are open stay open. Needs `no_new_privs`.
 * @returns the version of the interface
 */
export function renounceRights(kernel: Kernel, arch: FilterArch): number {
  const abi = landlockAbi(kernel, arch)
  if (abi === 0) throw new Error('this kernel has no Landlock, or it is not enabled')
  // struct landlock_ruleset_attr: handled_access_fs, handled_access_net, scoped. Older kernels take a shorter one.
  const attributes = new BigUint64Array(3)
  for (const [since, mask] of FS_RIGHTS) if (abi >= since) attributes[0] = (attributes[0] as bigint) | mask
  if (abi >= NET_RIGHTS.abi) attributes[1] = NET_RIGHTS.mask
  if (abi >= SCOPES.abi) attributes[2] = SCOPES.mask
  const size = abi >= SCOPES.abi ? 24 : abi >= NET_RIGHTS.abi ? 16 : 8
  const ruleset = kernel.syscall(number('landlock_create_ruleset', arch), kernel.libc.addressOf(attributes), size, 0)
  if (ruleset < 0) throw new Error(`landlock_create_ruleset failed: errno ${-ruleset}`)
  // No rule is added: what is handled and not allowed is refused.
  const restricted = kernel.syscall(number('landlock_restrict_self', arch), ruleset, 0)
  kernel.syscall(number('close', arch), ruleset)
  if (restricted !== 0) throw new Error(`landlock_restrict_self failed: errno ${-restricted}`)
  return abi
}

function number(name: 'landlock_create_ruleset' | 'landlock_restrict_self' | 'close', arch: FilterArch): number {
  return syscallNumber(name, arch) as number
}
