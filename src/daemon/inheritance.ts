import { readdirSync } from 'node:fs'
import { bindLibc } from '../base/libc.ts'

const F_SETFD = 2
const FD_CLOEXEC = 1

const libc = bindLibc({ fcntl: { arguments: ['int32', 'int32', 'int32'], return: 'int32' } })

/**
 * Keeps children from inheriting what this process was started with or what a library of its opened carelessly: each gets the descriptors that it is given, and no others. Node
 * does so at its start, but only for the first few.
 */
export function giveNothingElse(): void {
  if (libc === undefined) return
  for (const fd of readdirSync('/proc/self/fd')) if (Number(fd) > 2) libc.functions.fcntl(Number(fd), F_SETFD, FD_CLOEXEC)
}
