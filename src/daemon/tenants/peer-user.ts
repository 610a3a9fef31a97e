import type { Socket } from 'node:net'
import { bindLibc } from '../../base/libc.ts'

const SOL_SOCKET = 1
const SO_PEERCRED = 17
/** struct ucred: pid, uid, gid, 32 bits each. */
const UCRED_BYTES = 12

const libc = bindLibc({ getsockopt: { arguments: ['int32', 'int32', 'int32', 'pointer', 'pointer'], return: 'int32' } })

/** The user whose process connected, as the kernel saw it then: unix(7). Undefined where it does not say. */
export function peerUser(socket: Socket): number | undefined {
  const fd = (socket as unknown as { readonly _handle: { readonly fd: number } | null })._handle?.fd ?? -1
  if (libc === undefined || fd < 0) return undefined
  const credentials = new Uint32Array(UCRED_BYTES / 4)
  const length = new Uint32Array([UCRED_BYTES])
  const failed = libc.functions.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, libc.addressOf(credentials), libc.addressOf(length))
  return Number(failed) === 0 && length[0] === UCRED_BYTES ? credentials[1] : undefined
}
