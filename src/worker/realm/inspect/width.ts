import { charCodeAt } from '../../../protocol/msgpack/intrinsics.ts'
import { codePointAt, exec, normalize, slice } from './intrinsics.ts'

/** Columns that a text takes on a terminal, as Unicode's East Asian Width has it; of ambiguous width counts as narrow. */
export function widthOf(text: string): number {
  let i = 0
  while (i < text.length && charCodeAt(text, i) < 0x7f) i++
  return i === text.length ? i : i + widthOfWide(normalize(slice(text, i), 'NFC'))
}

function widthOfWide(text: string): number {
  let width = 0
  for (let i = 0; i < text.length; ) {
    const point = codePointAt(text, i)
    const size = point > 0xffff ? 2 : 1
    const character = slice(text, i, i + size)
    i += size
    if (point < 0x7f) width += 1
    else if (isWide(point) || exec(/\p{Emoji_Presentation}/u, character) !== null) width += 2
    // The soft hyphen counts as visible.
    else if (point === 0xad || exec(/[\p{Cc}\p{Cf}\p{Me}\p{Mn}]/u, character) === null) width += 1
  }
  return width
}

/** The blocks of wide and full-width characters, gaps of unassigned ones included. */
function isWide(point: number): boolean {
  return (
    point >= 0x1100 &&
    (point <= 0x115f || // Hangul Jamo
      (point >= 0x2630 && point <= 0x2637) || // Yijing trigrams
      (point >= 0x268a && point <= 0x268f) || // Yijing monograms and digrams
      (point >= 0x2e80 && point <= 0x303e) || // CJK radicals, symbols and punctuation
      (point >= 0x3041 && point <= 0x3247) || // Kana, Bopomofo, Hangul compatibility, CJK enclosed
      (point >= 0x3250 && point <= 0xa4c6) || // CJK ideographs, Yi
      (point >= 0xa960 && point <= 0xa97c) || // Hangul Jamo Extended-A
      (point >= 0xac00 && point <= 0xd7a3) || // Hangul syllables
      (point >= 0xf900 && point <= 0xfaff) || // CJK compatibility ideographs
      (point >= 0xfe10 && point <= 0xfe19) || // vertical forms
      (point >= 0xfe30 && point <= 0xfe6b) || // CJK compatibility and small forms
      (point >= 0xff01 && point <= 0xff60) || // full-width forms
      (point >= 0xffe0 && point <= 0xffe6) ||
      (point >= 0x16fe0 && point <= 0x1b2fb) || // Tangut, Khitan, Nushu, Kana supplements
      (point >= 0x1d300 && point <= 0x1d356) || // Tai Xuan Jing symbols
      (point >= 0x1d360 && point <= 0x1d376) || // counting rods
      (point >= 0x1f200 && point <= 0x1f265) || // enclosed ideographs
      (point >= 0x20000 && point <= 0x3fffd)) // CJK ideographs of the supplementary planes
  )
}
