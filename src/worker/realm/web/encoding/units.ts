import { apply, ArrayOf, fromCharCode } from '../captured.ts'

const { fill } = ArrayOf.prototype

/** Code units that become text at once. */
export const CHUNK = 2048
/** Full from the start, so that no store reaches a setter of Array.prototype. Decoders run no code of a guest's, so one of it will do. */
export const units = new ArrayOf<number>(CHUNK)
apply(fill, units, [0])

/** The text of the first `count` units. */
export function textOf(count: number): string {
  if (count === CHUNK) return apply(fromCharCode, undefined, units)
  let text = ''
  let at = 0
  for (; at + 8 <= count; at += 8) {
    text += fromCharCode(
      units[at] as number,
      units[at + 1] as number,
      units[at + 2] as number,
      units[at + 3] as number,
      units[at + 4] as number,
      units[at + 5] as number,
      units[at + 6] as number,
      units[at + 7] as number,
    )
  }
  for (; at < count; at++) text += fromCharCode(units[at] as number)
  return text
}
