const { charCodeAt } = String.prototype
const { imul } = Math
const { apply } = Reflect

/** Fractional bits of a number below 1. */
const SCALE = 2 ** -53
const HIGH = 2 ** 26

/** Numbers of 32 bits that follow from a seed: sfc32 (PractRand), whose state is FNV-1a of the seed's code units. Not for secrets. */
export function createRandom(seed: string): () => number {
  let a = hash(seed, 1)
  let b = hash(seed, 2)
  let c = hash(seed, 3)
  let counter = 1
  const next = (): number => {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return sum >>> 0
  }
  for (let i = 0; i < 12; i++) next()
  return next
}

/** A number from 0 to 1, 1 not included, of 53 bits. */
export function fraction(next: () => number): number {
  const high = next() >>> 5
  const low = next() >>> 6
  return (high * HIGH + low) * SCALE
}

function hash(text: string, salt: number): number {
  let state = imul(0x811c9dc5 ^ salt, 0x01000193)
  for (let i = 0; i < text.length; i++) state = imul(state ^ apply(charCodeAt, text, [i]), 0x01000193)
  return imul(state ^ (state >>> 15), 0x2c1b3c6d)
}
