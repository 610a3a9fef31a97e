/**
 * Grants of Node's permission model that the boot needed. `fs.read` is gone with them: from here on the process opens nothing.
 */
const BOOT_GRANTS = ['fs.read', 'fs.write', 'net', 'child', 'worker', 'wasi', 'addons', 'ffi', 'inspector'] as const

/** `process.permission.drop` of Node ≥ 26. */
interface DroppablePermission {
  has(scope: string): boolean
  drop(scope: string): void
}

/** Gives up every grant of the calling thread. Throws if one is still held afterwards: then nothing hostile may be let in. */
export function dropPermissions(): void {
  const permission = process.permission as unknown as DroppablePermission | undefined
  if (permission === undefined) throw new Error('started without --permission')
  for (const scope of BOOT_GRANTS) {
    permission.drop(scope)
    if (permission.has(scope)) throw new Error(`the permission ${scope} could not be dropped`)
  }
}
