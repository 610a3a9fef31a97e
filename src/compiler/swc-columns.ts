/** Characters that a terminal shows in no column, and those in two. Good enough to find one on a line. */
const NONE = /\p{Mn}|\p{Me}|\p{Cf}/u
const TWO =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u
const TAB = 4

/**
 * The UTF-16 code units before one of swc's columns, from 0. Those are meant for a terminal, but not quite: swc adds one to a character's code units if it is shown in two columns, and takes one away if in none.
 */
export function unitsBefore(line: string, column: number): number {
  let units = 0
  let columns = 0
  for (const character of line) {
    if (columns >= column) break
    columns += columnsOf(character)
    units += character.length
  }
  return units
}

function columnsOf(character: string): number {
  if (character === '\t') return TAB
  if (NONE.test(character)) return character.length - 1
  return TWO.test(character) ? character.length + 1 : character.length
}
