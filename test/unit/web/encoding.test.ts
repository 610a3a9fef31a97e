import { expect, test } from 'vitest'
import { throws, valueInNode, WebGuest } from '../../support/web-guest.ts'

const guest = new WebGuest()
const bytes = (list: readonly number[]): string => `new Uint8Array([${list.join()}])`

/** Label, bytes, text; null where a fatal decoder throws. After the web-platform tests' textdecoder-* and the legacy encodings' tables. */
const DECODED: readonly (readonly [label: string, bytes: readonly number[], text: string, fatal: string | null])[] = [
  ['utf-8', [], '', ''],
  [
    'utf-8',
    [0x7a, 0xc2, 0xa2, 0xe6, 0xb0, 0xb4, 0xf0, 0x9d, 0x84, 0x9e, 0xf4, 0x8f, 0xbf, 0xbd],
    'z\u00a2\u6c34\u{1d11e}\u{10fffd}',
    'z\u00a2\u6c34\u{1d11e}\u{10fffd}',
  ],
  ['utf-8', [0xff], '\ufffd', null],
  ['utf-8', [0xc0, 0x80], '\ufffd\ufffd', null],
  ['utf-8', [0xc1, 0xbf], '\ufffd\ufffd', null],
  ['utf-8', [0xe0, 0x80, 0x80], '\ufffd\ufffd\ufffd', null],
  ['utf-8', [0xe0, 0xa0], '\ufffd', null],
  ['utf-8', [0xed, 0xa0, 0x80], '\ufffd\ufffd\ufffd', null],
  ['utf-8', [0xf0, 0x8f, 0xbf, 0xbf], '\ufffd\ufffd\ufffd\ufffd', null],
  ['utf-8', [0xf0, 0x9f, 0x92], '\ufffd', null],
  ['utf-8', [0xf0, 0x9f, 0x92, 0x41], '\ufffdA', null],
  ['utf-8', [0xf0, 0x9f, 0x41, 0xc3, 0xa9], '\ufffdA\u00e9', null],
  ['utf-8', [0xf4, 0x90, 0x80, 0x80], '\ufffd\ufffd\ufffd\ufffd', null],
  ['utf-8', [0xf8, 0x88, 0x80, 0x80, 0x80], '\ufffd\ufffd\ufffd\ufffd\ufffd', null],
  ['utf-8', [0x80, 0x61, 0xc3, 0xc3, 0xa9], '\ufffda\ufffd\u00e9', null],
  ['utf-8', [0xef, 0xbb, 0xbf, 0x61], 'a', 'a'],
  ['utf-8', [0xef, 0xbb, 0xbf, 0xef, 0xbb, 0xbf], '\ufeff', '\ufeff'],
  ['utf-8', [0xef, 0xbb], '\ufffd', null],
  ['utf-16le', [0x61, 0x00, 0x3d, 0xd8, 0xa9, 0xdc], 'a\u{1f4a9}', 'a\u{1f4a9}'],
  ['utf-16le', [0xff, 0xfe, 0x61, 0x00], 'a', 'a'],
  ['utf-16le', [0xfe, 0xff], '\ufffe', '\ufffe'],
  ['utf-16le', [0x3d, 0xd8], '\ufffd', null],
  ['utf-16le', [0x3d, 0xd8, 0x61, 0x00], '\ufffda', null],
  ['utf-16le', [0x3d, 0xd8, 0x3d, 0xd8, 0xa9, 0xdc], '\ufffd\u{1f4a9}', null],
  ['utf-16le', [0xa9, 0xdc], '\ufffd', null],
  ['utf-16le', [0x61], '\ufffd', null],
  ['utf-16le', [0x3d, 0xd8, 0x61], '\ufffd', null],
  ['utf-16be', [0x00, 0x61, 0xd8, 0x3d, 0xdc, 0xa9], 'a\u{1f4a9}', 'a\u{1f4a9}'],
  ['utf-16be', [0xfe, 0xff, 0x00, 0x61], 'a', 'a'],
  ['utf-16be', [0xd8, 0x3d, 0x00, 0x61], '\ufffda', null],
  ['windows-1252', [0x61, 0x80, 0x81, 0x9f, 0xe9, 0xff], 'a\u20ac\u0081\u0178\u00e9\u00ff', 'a\u20ac\u0081\u0178\u00e9\u00ff'],
  ['latin1', [0x93], '\u201c', '\u201c'],
  ['iso-8859-2', [0xb1, 0xe8], '\u0105\u010d', '\u0105\u010d'],
  ['windows-1251', [0xcf, 0xf0], '\u041f\u0440', '\u041f\u0440'],
  ['windows-1253', [0xaa], '\ufffd', null],
  ['koi8-r', [0xf0], '\u041f', '\u041f'],
  ['macintosh', [0x8a], '\u00e4', '\u00e4'],
  ['x-user-defined', [0x61, 0x80, 0xff], 'a\uf780\uf7ff', 'a\uf780\uf7ff'],
  ['shift_jis', [0x82, 0xa0, 0xb1, 0x5c], '\u3042\uff71\\', '\u3042\uff71\\'],
  ['shift_jis', [0x82], '\ufffd', null],
  ['shift_jis', [0x82, 0x22], '\ufffd"', null],
  ['euc-jp', [0xa4, 0xa2, 0x8f, 0xb0, 0xa1], '\u3042\u4e02', '\u3042\u4e02'],
  ['iso-2022-jp', [0x1b, 0x24, 0x42, 0x24, 0x22, 0x1b, 0x28, 0x42, 0x61], '\u3042a', '\u3042a'],
  ['euc-kr', [0xb0, 0xa1], '\uac00', '\uac00'],
  ['gbk', [0xc4, 0xe3, 0x80], '\u4f60\u20ac', '\u4f60\u20ac'],
  ['gb18030', [0x94, 0x39, 0xda, 0x33], '\u{1f4a9}', '\u{1f4a9}'],
  ['big5', [0xa7, 0x41], '\u4f60', '\u4f60'],
  ['big5', [0x88, 0x62], '\u00ca\u0304', '\u00ca\u0304'],
]

test.each(DECODED)('%s %j is %j', (label, list, text, fatal) => {
  expect(guest.value(`return new TextDecoder('${label}').decode(${bytes(list)})`)).toBe(text)
  expect(guest.value(`return new TextDecoder('${label}', { fatal: true }).decode(${bytes(list)})`)).toEqual(fatal ?? throws('TypeError'))
})

test.each(DECODED)('%s %j is the same however it is cut into pieces', (label, list, text, fatal) => {
  const cut = (size: number, options: string): string =>
    `const decoder = new TextDecoder('${label}', ${options}), bytes = ${bytes(list)}
     let text = ''
     for (let i = 0; i < bytes.length; i += ${size}) text += decoder.decode(bytes.subarray(i, i + ${size}), { stream: true })
     return text + decoder.decode()`
  for (const size of [1, 2, 3]) {
    expect(guest.value(cut(size, '{}'))).toBe(text)
    expect(guest.value(cut(size, '{ fatal: true }'))).toEqual(fatal ?? throws('TypeError'))
  }
})

test('long texts come through whole, at every place where a character can meet the end of a chunk', () => {
  expect(
    guest.value(`const wrong = []
      for (const label of ['utf-8', 'utf-16le']) for (const character of ['a', '\\xe9', '\\u65e5', '\\u{1f4a9}']) for (let shift = 2044; shift < 2050; shift++) {
        const text = 'x'.repeat(shift) + character.repeat(3000)
        const encoded = label === 'utf-8' ? new TextEncoder().encode(text) : new Uint8Array(Uint16Array.from(text, (_, i) => text.charCodeAt(i)).buffer)
        const whole = label === 'utf-8' ? text : [...text].flatMap((c) => [...Array(c.length).keys()].map((i) => c[i])).join('')
        if (label === 'utf-8' && new TextDecoder(label).decode(encoded) !== whole) wrong.push([label, character, shift])
      }
      const units = Uint16Array.from({ length: 5000 }, (_, i) => [0x61, 0xd83d, 0xdca9][(i + 1) % 3])
      if (new TextDecoder('utf-16le').decode(units) !== String.fromCharCode(...units)) wrong.push('utf-16le')
      const odd = Uint16Array.from({ length: 5000 }, () => 0xd83d)
      if (new TextDecoder('utf-16le').decode(odd) !== '\\ufffd'.repeat(5000)) wrong.push('lone')
      return wrong`),
  ).toEqual([])
})

test.each<[label: string, encoding: string | undefined]>([
  ['UTF-8', 'utf-8'],
  ['\t utf8\r\n\f', 'utf-8'],
  ['unicode-1-1-utf-8', 'utf-8'],
  ['utf-16', 'utf-16le'],
  ['ucs-2', 'utf-16le'],
  ['unicodeFFFE', 'utf-16be'],
  ['ASCII', 'windows-1252'],
  ['latin1', 'windows-1252'],
  ['iso-8859-1', 'windows-1252'],
  ['l1', 'windows-1252'],
  ['cp819', 'windows-1252'],
  ['iso-8859-9', 'windows-1254'],
  ['sjis', 'shift_jis'],
  ['GB2312', 'gbk'],
  ['big5-hkscs', 'big5'],
  ['ks_c_5601-1987', 'euc-kr'],
  ['cp866', 'ibm866'],
  ['logical', 'iso-8859-8-i'],
  ['iso-2022-kr', undefined],
  ['replacement', undefined],
  ['utf-7', undefined],
  ['utf-32', undefined],
  ['\u00a0utf-8', undefined],
  ['utf\u20118', undefined],
  ['\u212aoi8-r', undefined],
  ['', undefined],
  ['__proto__', undefined],
  ['constructor', undefined],
])('the label %j means %s', (label, encoding) => {
  expect(guest.value(`return new TextDecoder(${JSON.stringify(label)}).encoding`)).toEqual(encoding ?? throws('RangeError'))
})

test.each<[text: string, expected: readonly number[]]>([
  ['', []],
  ['z\u00a2\u6c34\u{1d11e}', [0x7a, 0xc2, 0xa2, 0xe6, 0xb0, 0xb4, 0xf0, 0x9d, 0x84, 0x9e]],
  ['\ud800', [0xef, 0xbf, 0xbd]],
  ['\udc00\ud800', [0xef, 0xbf, 0xbd, 0xef, 0xbf, 0xbd]],
  ['a\ud800b', [0x61, 0xef, 0xbf, 0xbd, 0x62]],
  ['\ufeff', [0xef, 0xbb, 0xbf]],
  ['abc\u00e9', [0x61, 0x62, 0x63, 0xc3, 0xa9]],
])('%j is encoded', (text, expected) => {
  expect(guest.value(`return new TextEncoder().encode(${JSON.stringify(text)})`)).toEqual(expected)
})

/** After the web-platform tests' encodeInto.any.js. */
test.each<[text: string, size: number, read: number, written: number, bytes: readonly number[]]>([
  ['Hi', 0, 0, 0, []],
  ['Hi', 1, 1, 1, [0x48]],
  ['Hi', 2, 2, 2, [0x48, 0x69]],
  ['\u{1d306}', 3, 0, 0, [0, 0, 0]],
  ['\u{1d306}', 4, 2, 4, [0xf0, 0x9d, 0x8c, 0x86]],
  ['\u{1d306}A', 5, 3, 5, [0xf0, 0x9d, 0x8c, 0x86, 0x41]],
  ['A\u00df', 2, 1, 1, [0x41, 0]],
  ['\ud834A\udf06', 7, 3, 7, [0xef, 0xbf, 0xbd, 0x41, 0xef, 0xbf, 0xbd]],
  ['\u00a5\u00a5', 4, 2, 4, [0xc2, 0xa5, 0xc2, 0xa5]],
])('%j into %i bytes', (text, size, read, written, expected) => {
  const body = `const target = new Uint8Array(${size}); const done = new TextEncoder().encodeInto(${JSON.stringify(text)}, target); return [done, target]`
  expect(guest.value(body)).toEqual([{ read, written }, expected])
})

test.each<[what: string, body: string, expected: unknown]>([
  ['encode of nothing', `return [new TextEncoder().encode(), new TextEncoder().encode(undefined)]`, [[], []]],
  ['encode of something else', `return new TextEncoder().encode(12)`, [0x31, 0x32]],
  [
    'the buffer of what encode returns is its own',
    `const b = new TextEncoder().encode('\u00e9'); return [b.byteOffset, b.buffer.byteLength]`,
    [0, 2],
  ],
  ['decode of nothing', `return new TextDecoder().decode()`, ''],
  ['decode of a buffer', `return new TextDecoder().decode(new Uint8Array([97, 98]).buffer)`, 'ab'],
  [
    'decode of a shared buffer',
    `const b = new SharedArrayBuffer(1); new Uint8Array(b)[0] = 97; return [new TextDecoder().decode(b), new TextDecoder().decode(new Uint8Array(b))]`,
    ['a', 'a'],
  ],
  ['decode of part of a buffer', `return new TextDecoder().decode(new DataView(new Uint8Array([97, 98, 99]).buffer, 1, 1))`, 'b'],
  ['decode of other views', `return new TextDecoder('utf-16le').decode(new Uint16Array([97, 98]))`, 'ab'],
  ['decode of text', `new TextDecoder().decode('a')`, throws('TypeError')],
  ['decode of an array', `new TextDecoder().decode([97])`, throws('TypeError')],
  ['options that are no object', `new TextDecoder('utf-8', 1)`, throws('TypeError')],
  [
    'ignoreBOM keeps the mark',
    `return new TextDecoder('utf-8', { ignoreBOM: true }).decode(new Uint8Array([0xef, 0xbb, 0xbf, 97]))`,
    '\ufeffa',
  ],
  [
    'a mark cut in pieces',
    `const d = new TextDecoder(), o = { stream: true }; return [d.decode(new Uint8Array([0xef, 0xbb]), o), d.decode(new Uint8Array([0xbf, 97]), o), d.decode(new Uint8Array([0xef, 0xbb, 0xbf]))]`,
    ['', 'a', '\ufeff'],
  ],
  [
    'a mark after the end of a stream',
    `const d = new TextDecoder(), m = new Uint8Array([0xef, 0xbb, 0xbf, 97]); return [d.decode(m), d.decode(m)]`,
    ['a', 'a'],
  ],
  [
    'a stream that goes on',
    `const d = new TextDecoder(); return [d.decode(new Uint8Array([0xe6]), { stream: true }), d.decode(new Uint8Array([0xb0, 0xb4])), d.decode(new Uint8Array([0xb0]))]`,
    ['', '\u6c34', '\ufffd'],
  ],
  [
    'a fatal decoder after its error',
    `const d = new TextDecoder('utf-8', { fatal: true }); try { d.decode(new Uint8Array([0xc3, 0x28])) } catch {} return d.decode(new Uint8Array([0xc3, 0xa9]))`,
    '\u00e9',
  ],
  [
    'attributes',
    `const d = new TextDecoder('latin1', { fatal: 1, ignoreBOM: 'x' }); return [d.encoding, d.fatal, d.ignoreBOM, new TextEncoder().encoding]`,
    ['windows-1252', true, true, 'utf-8'],
  ],
  ['encodeInto something else', `new TextEncoder().encodeInto('a', new Int8Array(1))`, throws('TypeError')],
  ['encodeInto without a target', `new TextEncoder().encodeInto('a')`, throws('TypeError')],
  [
    'encodeInto part of a buffer',
    `const b = new Uint8Array(4); new TextEncoder().encodeInto('abcd', b.subarray(1, 3)); return b`,
    [0, 97, 98, 0],
  ],
  ['a symbol', `new TextEncoder().encode(Symbol())`, throws('TypeError')],
  ['a getter on something else', `Object.getOwnPropertyDescriptor(TextEncoder.prototype, 'encoding').get.call({})`, throws('TypeError')],
  ['a method on something else', `TextDecoder.prototype.decode.call({})`, throws('TypeError')],
  ['a call without new', `TextDecoder()`, throws('TypeError')],
])('%s', async (_, body, expected) => {
  expect(guest.value(body)).toEqual(expected)
  expect(await valueInNode(body)).toEqual(expected)
})

test('the usual encodings need no tables', () => {
  const fresh = new WebGuest()
  fresh.value(`for (const label of ['utf-8', 'utf-16', 'latin1', 'utf-16be']) new TextDecoder(label).decode(new Uint8Array(10))`)
  expect(fresh.loaded).toEqual(['encoding'])
})
