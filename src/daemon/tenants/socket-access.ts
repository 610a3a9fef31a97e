import { chmodSync, chownSync, readFileSync, statSync } from 'node:fs'
import { errorMessage } from '../../base/error.ts'
import { DaemonError } from '../daemon-error.ts'

/** Who may connect to a daemon's sockets, its workers' included: permission bits, and a group besides the daemon's own. */
export interface SocketAccess {
  readonly mode: number
  readonly gid: number | undefined
}

/** Of a per-user daemon. */
export const OWNER_ONLY: SocketAccess = { mode: 0o600, gid: undefined }

/** Whether anybody but the owner may connect, who must be able to pass through the directory then. */
export function isOpenToOthers({ mode }: SocketAccess): boolean {
  return (mode & 0o077) !== 0
}

/** The same of a socket that somebody else made: whoever may write to it may connect, and its owner may be another. */
export function isOpenSocket(path: string): boolean {
  const { mode, uid } = statSync(path)
  return (mode & 0o022) !== 0 || (uid !== process.getuid?.() && uid !== 0)
}

/** Sets a socket's owner and mode. Throws ERR_SOCKET_PATH. */
export function giveAccess(path: string, { mode, gid }: SocketAccess): void {
  try {
    if (gid !== undefined) chownSync(path, -1, gid)
    chmodSync(path, mode)
  } catch (error) {
    throw new DaemonError('ERR_SOCKET_PATH', `the access to ${path} cannot be set: ${errorMessage(error)}`, { cause: error })
  }
}

/** The number of a group, by its name or number, from group(5). */
export function groupId(name: string): number | undefined {
  if (/^\d{1,9}$/.test(name)) return Number(name)
  const lines = readFileSync('/etc/group', 'utf8').split('\n')
  const found = lines.map((line) => line.split(':')).find(([each]) => each === name)
  return found?.[2] === undefined ? undefined : Number(found[2])
}
