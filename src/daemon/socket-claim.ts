import { chmodSync, lstatSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { errorCode } from '../base/error.ts'
import { DaemonError } from './daemon-error.ts'
import { tryLock } from './lock.ts'

/** sun_path of a Unix socket address holds 108 bytes with the closing NUL. */
const MAX_SOCKET_PATH_BYTES = 107
/** Room for the names of the workers' sockets, which lie beside the daemon's. */
const LONGEST_WORKER_NAME = 'w4294967295.sock'.length
const WORKER_SOCKET = /^w\d+\.sock$/

/** A socket path that is this daemon's alone, for as long as it lives. */
export interface SocketClaim {
  readonly path: string
  /** For the workers' sockets. */
  readonly directory: string
  release(): void
}

/**
 * Claims `path`: its directory belongs to this user, and nobody else may write to it (mode 0700, or 0711 if it is open to others; made if need be, and left alone where other files lie in it), no other daemon holds its lock, and sockets that a
 * killed daemon left behind are gone. A socket that is `inherited` is there already, and stays. Throws ERR_SOCKET_PATH, ERR_SOCKET_DIRECTORY or ERR_SOCKET_IN_USE.
 */
export function claimSocket(path: string, isOpen = false, inherited = false): SocketClaim {
  const directory = dirname(path)
  const longest = Math.max(Buffer.byteLength(path), Buffer.byteLength(directory) + 1 + LONGEST_WORKER_NAME)
  if (longest > MAX_SOCKET_PATH_BYTES) {
    throw new DaemonError(
      'ERR_SOCKET_PATH',
      `the socket path ${path} is too long: with the workers' names it needs ${longest} bytes of ${MAX_SOCKET_PATH_BYTES}; choose a shorter one`,
    )
  }
  ownDirectory(directory, isOpen ? 0o711 : 0o700, [basename(path), `${basename(path)}.lock`])
  // What is swept away below was a daemon's. A file is somebody's.
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() === false)
    throw new DaemonError('ERR_SOCKET_PATH', `${path} is there already, and is no socket; choose another path`)
  const unlock = tryLock(`${path}.lock`)
  if (unlock === undefined) {
    throw new DaemonError(
      'ERR_SOCKET_IN_USE',
      `another daemon serves ${path}; stop it with 'glovebox stop --socket ${path}', or choose another path`,
    )
  }
  const sweep = (): void => {
    if (!inherited) rmSync(path, { force: true })
    for (const name of readdirSync(directory)) if (WORKER_SOCKET.test(name)) rmSync(join(directory, name), { force: true })
  }
  // Under the lock nobody can be listening there: what is left is stale.
  sweep()
  let released = false
  return {
    path,
    directory,
    release() {
      if (released) return
      released = true
      sweep()
      rmSync(`${path}.lock`, { force: true })
      unlock()
    },
  }
}

/** `names` are what a daemon of this path has in it, besides its workers' sockets. */
function ownDirectory(directory: string, mode: number, names: readonly string[]): void {
  try {
    mkdirSync(directory, { recursive: true, mode })
  } catch (error) {
    throw new DaemonError(
      'ERR_SOCKET_DIRECTORY',
      `the socket directory ${directory} cannot be made (${errorCode(error) ?? 'error'}); make it, or choose another socket path`,
      {
        cause: error,
      },
    )
  }
  const found = lstatSync(directory)
  if (!found.isDirectory()) throw new DaemonError('ERR_SOCKET_DIRECTORY', `${directory} is not a directory; choose another socket path`)
  const uid = process.getuid?.()
  if (found.uid !== uid) {
    throw new DaemonError(
      'ERR_SOCKET_DIRECTORY',
      `the socket directory ${directory} belongs to uid ${found.uid}, not to this user (uid ${uid}): whoever owns it could replace the socket; choose a path in a directory of your own as 'socket'`,
    )
  }
  if ((found.mode & 0o022) !== 0) {
    throw new DaemonError(
      'ERR_SOCKET_DIRECTORY',
      `others may write to the socket directory ${directory}; 'chmod 700 ${directory}', or choose a directory of its own`,
    )
  }
  // Whoever may connect must be able to pass, and nobody else needs to look: at what is a daemon's. Where other files lie (a home directory) it stays as it is, if it lets them pass.
  const permissions = found.mode & 0o777
  const isShared = readdirSync(directory).some((name) => !names.includes(name) && !WORKER_SOCKET.test(name))
  if (permissions !== mode && !(isShared && (permissions & mode) === mode)) chmodSync(directory, mode)
}
