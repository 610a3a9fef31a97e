import { closeSync } from 'node:fs'
import { bindLibc } from '../base/libc.ts'
import { DaemonError } from './daemon-error.ts'

const AF_UNIX = 1
const SOCK_STREAM = 1
/** Not inherited by other children than the one that is given it. */
const SOCK_CLOEXEC = 0o2000000
/** Clients that come at once wait here; the kernel caps it (`net.core.somaxconn`). */
const BACKLOG = 4_096
/** struct sockaddr_un: 16-bit family, 108 bytes of path. */
const ADDRESS_BYTES = 110

const libc = bindLibc({
  socket: { arguments: ['int32', 'int32', 'int32'], return: 'int32' },
  bind: { arguments: ['int32', 'pointer', 'uint32'], return: 'int32' },
  listen: { arguments: ['int32', 'int32'], return: 'int32' },
})

/**
 * A Unix socket that listens at `path`, for a worker: made here, so that the worker itself never needs the right to make a socket or a file.
 * @returns its descriptor, which the caller closes
 */
export function listeningSocket(path: string): number {
  if (libc === undefined) throw new DaemonError('ERR_PLATFORM', 'a daemon needs Linux and Node 26 or later, with node:ffi')
  const { socket, bind, listen } = libc.functions
  const fd = Number(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))
  if (fd < 0) throw new DaemonError('ERR_SOCKET_PATH', `no socket could be made for ${path}`)
  const address = Buffer.alloc(ADDRESS_BYTES)
  address.writeUInt16LE(AF_UNIX, 0)
  address.write(path, 2, 'utf8')
  if (bind(fd, libc.addressOf(address), ADDRESS_BYTES) !== 0 || listen(fd, BACKLOG) !== 0) {
    closeSync(fd)
    throw new DaemonError('ERR_SOCKET_PATH', `no socket could be made at ${path}`)
  }
  return fd
}
