import { closeSync, openSync } from 'node:fs'
import { bindLibc } from '../base/libc.ts'
import { DaemonError } from './daemon-error.ts'

const LOCK_EX_NB = 2 | 4

const libc = bindLibc({ flock: { arguments: ['int32', 'int32'], return: 'int32' } })

/**
 * Takes an exclusive lock (flock(2)) on a file, which is made if need be. The kernel gives it back when this process ends, however it ends: there are no stale locks.
 * @returns a function that gives it back, or `undefined` if another process holds it
 */
export function tryLock(path: string): (() => void) | undefined {
  if (libc === undefined) throw new DaemonError('ERR_PLATFORM', 'a daemon needs Linux and Node 26 or later, with node:ffi')
  const fd = openSync(path, 'a', 0o600)
  if (libc.functions.flock(fd, LOCK_EX_NB) === 0) return () => closeSync(fd)
  closeSync(fd)
  return undefined
}
