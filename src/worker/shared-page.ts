import { closeSync } from 'node:fs'
import type { Libc } from '../base/libc.ts'

export const SHARED_PAGE_FUNCTIONS = {
  mmap: { arguments: ['pointer', 'uint64', 'int32', 'int32', 'int32', 'int64'], return: 'pointer' },
} as const

const PROT_READ_WRITE = 3
const MAP_SHARED = 1
/** MAP_FAILED, (void *) -1. */
const MAP_FAILED = 0xffff_ffff_ffff_ffffn

/** Maps the page that the daemon shares, and closes its descriptor: the worker can write the page, and not resize the file. */
export function mapHeartbeat(libc: Libc<keyof typeof SHARED_PAGE_FUNCTIONS>, fd: number, bytes: number): ArrayBuffer {
  const address = libc.functions.mmap(0n, BigInt(bytes), PROT_READ_WRITE, MAP_SHARED, fd, 0n)
  if (typeof address !== 'bigint' || address === MAP_FAILED || address === -1n) throw new Error('the heartbeat page could not be mapped')
  closeSync(fd)
  return libc.viewOf(address, bytes)
}
