import { expect, test } from 'vitest'
import { MsgpackReader } from '../../src/protocol/msgpack/reader.ts'
import { plainStringCoder } from '../../src/protocol/msgpack/string-coder.ts'
import { MsgpackWriter } from '../../src/protocol/msgpack/writer.ts'
import { nativeStrings } from '../../src/base/native-strings.ts'
import { hex, unhex } from '../support/codec.ts'

const written = (write: (writer: MsgpackWriter) => void): string => {
  const writer = new MsgpackWriter()
  write(writer)
  return hex(writer.view())
}

test.each<[number, string]>([
  [0, '00'],
  [127, '7f'],
  [128, 'cc80'],
  [255, 'ccff'],
  [256, 'cd0100'],
  [65535, 'cdffff'],
  [65536, 'ce00010000'],
  [4294967295, 'ceffffffff'],
  [4294967296, 'cf0000000100000000'],
  [9007199254740991, 'cf001fffffffffffff'],
  [-1, 'ff'],
  [-32, 'e0'],
  [-33, 'd0df'],
  [-128, 'd080'],
  [-129, 'd1ff7f'],
  [-32768, 'd18000'],
  [-32769, 'd2ffff7fff'],
  [-2147483648, 'd280000000'],
  [-2147483649, 'd3ffffffff7fffffff'],
  [-9007199254740991, 'd3ffe0000000000001'],
])('the integer %d takes its shortest form', (value, bytes) => {
  expect(written((w) => w.number(value))).toBe(bytes)
  expect(new MsgpackReader(unhex(bytes)).int()).toBe(value)
})

test.each<[string, (writer: MsgpackWriter) => void, string]>([
  ['nil', (w) => w.nil(), 'c0'],
  ['true', (w) => w.bool(true), 'c3'],
  ['float', (w) => w.number(1.5), 'cb3ff8000000000000'],
  ['-0', (w) => w.number(-0), 'cb8000000000000000'],
  ['2^53 is no safe integer', (w) => w.number(2 ** 53), 'cb4340000000000000'],
  ['bin', (w) => w.bin(new Uint8Array([1, 2]), 2), 'c4020102'],
  ['ext', (w) => w.ext(9, new Uint8Array([1, 2, 3]), 3), 'c70309010203'],
  ['fixext', (w) => w.ext(9, new Uint8Array([1, 2]), 2), 'd5090102'],
  ['array of 16', (w) => w.arrayHeader(16), 'dc0010'],
  ['map of 65536', (w) => w.mapHeader(65536), 'df00010000'],
])('%s', (_, write, bytes) => {
  expect(written(write)).toBe(bytes)
})

test('a frame header and its values share a buffer that grows', () => {
  const writer = new MsgpackWriter()
  writer.string('earlier')
  const start = writer.position
  writer.ensure(4)
  writer.position = start + 4
  for (let i = 0; i < 5000; i++) writer.int(i)
  writer.patchUint32(start, writer.position - start - 4)
  const reader = new MsgpackReader(writer.bytes, start, writer.position)
  let size = 0
  for (let i = 0; i < 4; i++) size = size * 256 + writer.bytes[reader.position++]!
  expect(size).toBe(reader.remaining)
  for (let i = 0; i < 5000; i++) expect(reader.int()).toBe(i)
  reader.finish()
})

test('a long item is refused before the buffer grows', () => {
  const writer = new MsgpackWriter({ maxBytes: 5000 })
  const before = writer.bytes.length
  expect(() => writer.bin(new Uint8Array(5001), 5001)).toThrow('larger than the limit of 5000 bytes')
  expect(() => writer.string('x'.repeat(5001))).toThrow('larger than the limit of 5000 bytes')
  expect(() => writer.string('\ud800'.repeat(2501))).toThrow('larger than the limit of 5000 bytes')
  expect(writer.bytes.length).toBe(before)
  expect(writer.position).toBe(0)
})

test.each<[string, string, (reader: MsgpackReader) => unknown]>([
  ['int', 'a161', (r) => r.int()],
  ['int of a float', 'cb3ff8000000000000', (r) => r.int()],
  ['int beyond 2^53', 'cf0020000000000000', (r) => r.int()],
  ['uint32 of a negative', 'ff', (r) => r.uint32()],
  ['uint32 above its maximum', '0b', (r) => r.uint32(10)],
  ['bool', '01', (r) => r.bool()],
  ['number', 'c0', (r) => r.number()],
  ['string of bin', 'c40161', (r) => r.string()],
  ['string above its maximum', 'a3616263', (r) => r.string(2)],
  ['bin of a string', 'a161', (r) => r.bin()],
  ['bin above its maximum', 'c403616263', (r) => r.bin(2)],
  ['array of a map', '80', (r) => r.arrayHeader()],
  ['array above its maximum', '93010203', (r) => r.arrayHeader(2)],
  ['map of an array', '90', (r) => r.mapHeader()],
  ['map with half of what it announces', '820102', (r) => r.mapHeader()],
  ['extension of nil', 'c0', (r) => r.extHeader()],
  ['skip to beyond the end', '92 01', (r) => r.skip()],
  ['skip of the unused type', 'c1', (r) => r.skip()],
  ['truncated integer', 'cd01', (r) => r.int()],
  ['truncated long', 'cf00000000000000', (r) => r.int()],
  ['truncated float', 'cb00', (r) => r.number()],
  ['nothing', '', (r) => r.peek()],
  ['bytes left over', 'c0c0', (r) => (r.nil(), r.finish())],
])('a reader refuses: %s', (_, bytes, read) => {
  expect(() => read(new MsgpackReader(unhex(bytes)))).toThrow(expect.objectContaining({ code: 'ERR_MALFORMED' }))
})

test('bin is a view of what is read', () => {
  const bytes = unhex('ffc402010203').subarray(1)
  const view = new MsgpackReader(bytes).bin()
  expect([view.buffer, view.byteOffset, view.length]).toEqual([bytes.buffer, bytes.byteOffset + 2, 2])
})

test('skip steps over one item of any kind', () => {
  const item =
    '9a c0 c3 01 e0 cc80 cd0100 ce00010000 cf0000000100000000 d0df 83 a161 d1ff7f d9 01 62 d2ffff7fff da000163 d3ffffffff7fffffff'
  const more = '97 ca00000000 cb0000000000000000 c40101 c5000101 d40000 c7030901 0203 d80000000000000000000000000000000000'
  for (const bytes of [item, more]) {
    const reader = new MsgpackReader(unhex(`${bytes} 2a`))
    reader.skip()
    expect(reader.int()).toBe(42)
    reader.finish()
  }
})

test('both string coders read the same text from any bytes', () => {
  let seed = 7
  const random = () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) >> 8
  const pieces = ['a', 'é', '€', '😀', '\u{10ffff}', '\0'].map((text) => [...Buffer.from(text)])
  for (let run = 0; run < 3000; run++) {
    const list: number[] = []
    while (list.length < random() % 1200) list.push(...(random() % 4 ? pieces[random() % pieces.length]! : [random() & 0xff]))
    const bytes = Uint8Array.from(list)
    expect(plainStringCoder.read(bytes, 0, bytes.length)).toBe(nativeStrings.read(bytes, 0, bytes.length))
  }
})

test('both string coders write the same bytes', () => {
  for (const text of ['é'.repeat(100), '😀x'.repeat(600), '€'.repeat(30000), 'x'.repeat(70000)]) {
    const [plain, native] = [plainStringCoder, nativeStrings].map((strings) => {
      const writer = new MsgpackWriter({ strings })
      writer.string(text)
      return hex(writer.view())
    })
    expect(plain).toBe(native)
  }
})
