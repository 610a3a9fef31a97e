const UNITS = ['', 'K', 'M', 'G'] as const
const STEP = 1024

/** How an amount of memory is written: bytes, or with K, M or G (1024 each; `256M`, `256MB` and `256MiB` are the same). */
export const QUANTITY = /^(\d{1,12})([KMGkmg]?)(?:i?[Bb])?$/

/** Reads an amount of memory. NaN if it is none. */
export function bytesOf(quantity: string): number {
  const match = QUANTITY.exec(quantity)
  const [, digits = '', unit = ''] = match ?? []
  return match === null ? Number.NaN : Number(digits) * STEP ** UNITS.findIndex((each) => each === unit.toUpperCase())
}
