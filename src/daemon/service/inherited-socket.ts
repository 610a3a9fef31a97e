import { bindLibc } from '../../base/libc.ts'
import { DaemonError } from '../daemon-error.ts'

/** The first descriptor that a service manager hands over: sd_listen_fds(3). */
const FIRST_FD = 3
const AF_UNIX = 1
const SOL_SOCKET = 1
const SO_TYPE = 3
const SO_ACCEPTCONN = 30
const SOCK_STREAM = 1
/** struct sockaddr_un: 16-bit family, 108 bytes of path. */
const ADDRESS_BYTES = 110
const PATH_AT = 2

const libc = bindLibc({
  getsockname: { arguments: ['int32', 'pointer', 'pointer'], return: 'int32' },
  getsockopt: { arguments: ['int32', 'int32', 'int32', 'pointer', 'pointer'], return: 'int32' },
})

/** A Unix socket that listens already, made by who started this process: it stays when the daemon ends, and clients that come meanwhile wait there. */
export interface InheritedSocket {
  readonly fd: number
  readonly path: string
}

/**
 * The socket that a service manager passed to this very process (`LISTEN_PID`, `LISTEN_FDS`), if it did.
 *
 * @throws DaemonError `ERR_CONFIG` if it is not one Unix stream socket that listens at a path
 */
export function inheritedSocket(environment: Readonly<Record<string, string | undefined>>): InheritedSocket | undefined {
  // Variables that are meant for another process are inherited, too.
  if (environment['LISTEN_PID'] !== String(process.pid)) return undefined
  const count = Number(environment['LISTEN_FDS'] ?? 0)
  if (count === 0) return undefined
  if (count !== 1)
    throw new DaemonError('ERR_CONFIG', `the service manager passed ${environment['LISTEN_FDS']} sockets; the daemon takes one`)
  const path = listensAt(FIRST_FD)
  if (path === undefined)
    throw new DaemonError('ERR_CONFIG', "the service manager passed no Unix stream socket that listens at a path; use 'ListenStream=/PATH'")
  return { fd: FIRST_FD, path }
}

function listensAt(fd: number): string | undefined {
  if (libc === undefined) return undefined
  const { getsockname, getsockopt } = libc.functions
  const option = (name: number): number | undefined => {
    const value = new Uint32Array(1)
    const size = new Uint32Array([value.byteLength])
    return getsockopt(fd, SOL_SOCKET, name, libc.addressOf(value), libc.addressOf(size)) === 0 ? value[0] : undefined
  }
  // A socket of whole packets listens, too, and no client of a stream reaches it.
  if (option(SO_ACCEPTCONN) !== 1 || option(SO_TYPE) !== SOCK_STREAM) return undefined
  const address = Buffer.alloc(ADDRESS_BYTES)
  const length = new Uint32Array([ADDRESS_BYTES])
  if (getsockname(fd, libc.addressOf(address), libc.addressOf(length)) !== 0 || address.readUInt16LE(0) !== AF_UNIX) return undefined
  const path = address.toString('utf8', PATH_AT, length[0]).replace(/\0.*$/s, '')
  // Of an abstract socket's name, which begins with a NUL, nothing is left.
  return path.startsWith('/') ? path : undefined
}
