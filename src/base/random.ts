import { bindLibc } from './libc.ts'

/** So many bytes come at once, and no signal cuts them short (getrandom(2)). */
const AT_ONCE_BYTES = 256

const libc = bindLibc({ getrandom: { arguments: ['pointer', 'uint64', 'uint32'], return: 'int64' } })
const some = new Uint8Array(AT_ONCE_BYTES)
const address = libc?.addressOf(some)

/** Fills `target` with random bytes of the kernel's. Not with Node's `crypto`, which takes a process 6 ms to load. */
export function fillRandom(target: Uint8Array): void {
  for (let filled = 0; filled < target.length; filled += AT_ONCE_BYTES) {
    if (libc === undefined || Number(libc.functions.getrandom(address as bigint, BigInt(AT_ONCE_BYTES), 0)) !== AT_ONCE_BYTES)
      throw new Error('the kernel has no random bytes')
    const left = target.length - filled
    target.set(left < AT_ONCE_BYTES ? some.subarray(0, left) : some, filled)
  }
}

/** Bytes that nobody can guess: what opens something for whoever has them. */
export function secretBytes(count: number): Uint8Array {
  const bytes = new Uint8Array(count)
  fillRandom(bytes)
  return bytes
}
