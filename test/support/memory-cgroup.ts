import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { errorMessage } from '../../src/base/error.ts'

/** Where version 1 of the memory controller is mounted, if it is. */
const ROOT = '/sys/fs/cgroup/memory'

/** A memory cgroup (version 1) that this process may fill, or why there is none: a limit of the kernel's in which a test can have a process killed for want of memory. */
export function memoryCgroup(bytes: number): (Disposable & { readonly add: (pid: number) => void }) | { readonly reason: string } {
  const path = join(ROOT, `glovebox-test-${process.pid}`)
  try {
    mkdirSync(path)
  } catch (error) {
    return { reason: `no memory cgroup of version 1 can be made: ${errorMessage(error)}` }
  }
  writeFileSync(join(path, 'memory.limit_in_bytes'), String(bytes))
  return {
    add: (pid) => writeFileSync(join(path, 'cgroup.procs'), String(pid)),
    [Symbol.dispose]: () => rmdirSync(path),
  }
}
