import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { CodecError } from '../../src/protocol/msgpack/codec-error.ts'
import { nativeStrings } from '../../src/base/native-strings.ts'
import { MsgpackReader } from '../../src/protocol/msgpack/reader.ts'
import { plainStringCoder } from '../../src/protocol/msgpack/string-coder.ts'
import { MsgpackWriter } from '../../src/protocol/msgpack/writer.ts'
import { ValueDecoder } from '../../src/protocol/values/value-decoder.ts'
import { ValueEncoder } from '../../src/protocol/values/value-encoder.ts'
import { arbitraryValue } from '../support/arbitrary-value.ts'
import { difference } from '../support/same-graph.ts'

const encoder = new ValueEncoder()
const writer = new MsgpackWriter()
const decoder = new ValueDecoder({ functionIn: ({ id }) => id, remoteIn: (kind, parts) => ({ kind, parts }) })

test('any value graph comes out as it went in', () => {
  fc.assert(
    fc.property(arbitraryValue, (value) => {
      writer.reset()
      encoder.write(writer, value)
      const reader = new MsgpackReader(writer.bytes, 0, writer.position)
      const back = decoder.read(reader)
      reader.finish()
      expect(difference(value, back)).toBe(undefined)
    }),
    { numRuns: 10_000 },
  )
})

/** 150,000 inputs: valid messages with bytes changed, cut, doubled or spliced, and plain noise that is rich in type bytes. */
test('any bytes give a value or a CodecError', () => {
  let seed = 12345
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff
    return Math.floor((seed / 0x80000000) * below)
  }
  const samples = fc.sample(arbitraryValue, { numRuns: 1000, seed: 1 }).map((value) => {
    writer.reset()
    encoder.write(writer, value)
    return writer.bytes.slice(0, writer.position)
  })
  const heads = [
    0x81, 0x82, 0x91, 0x92, 0x93, 0x94, 0x95, 0x97, 0xa1, 0xc0, 0xc4, 0xc7, 0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf, 0xd3, 0xd4, 0xd5, 0xd6,
    0xd9, 0xdc, 0xdd, 0xde, 0xdf, 0, 1, 2, 3, 4, 5,
  ]
  const noise = (): Uint8Array => {
    const bytes = new Uint8Array(random(60))
    for (let i = 0; i < bytes.length; i++) bytes[i] = random(3) ? heads[random(heads.length)]! : random(256)
    for (let i = 0; i + 3 < bytes.length; i += 1 + random(8)) if (random(2)) bytes.set([0xd4, 1, random(16)], i)
    return bytes
  }
  const mutated = (): Uint8Array => {
    const bytes = samples[random(samples.length)]!.slice()
    for (let n = random(4); n >= 0; n--) bytes[random(bytes.length)] = random(2) ? random(256) : heads[random(heads.length)]!
    const other = samples[random(samples.length)]!
    if (random(5) === 0) bytes.set(other.subarray(0, Math.min(other.length, bytes.length >> 1)), bytes.length >> 2)
    return random(4) ? bytes : bytes.subarray(0, random(bytes.length + 1))
  }
  const outcomes = { values: 0, errors: 0 }
  let slowest = 0
  for (let i = 0; i < 150_000; i++) {
    const bytes = i % 3 ? mutated() : noise()
    const start = performance.now()
    try {
      decoder.read(new MsgpackReader(bytes))
      outcomes.values++
    } catch (error) {
      if (!(error instanceof CodecError)) throw new Error(`${Buffer.from(bytes).toString('hex')} threw ${String(error)}`, { cause: error })
      outcomes.errors++
    }
    slowest = Math.max(slowest, performance.now() - start)
  }
  expect(outcomes.values).toBeGreaterThan(5000)
  expect(outcomes.errors).toBeGreaterThan(50_000)
  expect(slowest).toBeLessThan(1000)
})

/** One of everything, small. */
const SAMPLE = (): unknown => {
  const buffer = new ArrayBuffer(8, { maxByteLength: 16 })
  const error = Object.assign(new RangeError('m', { cause: 1 }), { stack: 's', code: 'E' })
  const value = {
    numbers: [0, -1, 200, 70_000, -70_000, 2 ** 40, -(2 ** 40), 1.5, -0],
    text: ['', 'é', 'x'.repeat(40), '\ud800', 'é'.repeat(140)],
    other: [null, undefined, true, false, 5n, -(2n ** 70n), Symbol.for('s'), Symbol.iterator, () => 0],
    sparse: Object.assign([1, , 3], { x: 1 }), // oxlint-disable-line no-sparse-arrays
    bare: Object.assign(Object.create(null) as object, { a: 1 }),
    map: new Map<unknown, unknown>([[{}, new Set([1])]]),
    records: [
      { a: 1, b: 2 },
      { a: [3], b: { a: 4, b: 5 } },
    ],
    date: new Date(5),
    regexp: /a/g,
    views: [new Uint8Array(buffer), new DataView(buffer, 1, 2), new Float64Array(1), Buffer.from('b')],
    boxed: [Object(1), Object('s')],
    error,
    self: undefined as unknown,
  }
  value.self = value
  return value
}

/** Every byte of a message replaced by every other (or by some, where most is the same), and the message cut off after every byte: with each coder of strings. */
test.each([
  ['plain', plainStringCoder, 3],
  ['native', nativeStrings, 7],
])('any one byte wrong gives a value or a CodecError, with %s strings', (_, strings, step) => {
  const out = new MsgpackWriter()
  new ValueEncoder({ functionOut: () => ({ id: 7, isAsync: false, returns: false, name: 'f' }) }).write(out, SAMPLE())
  const bytes = out.view()
  const attempt = (end: number): number => {
    try {
      decoder.read(new MsgpackReader(bytes, 0, end, strings))
      return 1
    } catch (error) {
      if (!(error instanceof CodecError)) throw new Error(`${Buffer.from(bytes).toString('hex')} threw ${String(error)}`, { cause: error })
      return 0
    }
  }
  expect(attempt(bytes.length)).toBe(1)
  for (let end = 0; end < bytes.length; end++) expect(attempt(end)).toBe(0)
  let values = 0
  for (let at = 0; at < bytes.length; at++) {
    const right = bytes[at] as number
    for (let wrong = 0; wrong < 256; wrong += step) {
      bytes[at] = wrong
      values += attempt(bytes.length)
    }
    bytes[at] = right
  }
  expect(values).toBeGreaterThan((50 * bytes.length) / step)
})

/** Inputs of 1 MB made to cost as much as possible. */
test.each<[string, () => Uint8Array]>([
  ['nested announcements', () => repeated([0xdd, 0, 0x0f, 0, 0])],
  ['nested maps that announce much', () => repeated([0xdf, 0, 7, 0, 0, 0xa1, 97])],
  ['empty maps', () => listOf([0x80])],
  ['empty Maps', () => listOf([0x92, 0xd4, 1, 3, 0x80])],
  ['objects with a far index', () => listOf([0x81, 0xa4, 0x31, 0x30, 0x30, 0x30, 1])],
  ['objects with a near index', () => listOf([0x81, 0xa2, 0x33, 0x31, 1])],
  ['huge sparse arrays', () => listOf([0x94, 0xd4, 1, 1, 0xce, 0xff, 0xff, 0xff, 0xff, 0x90, 0x80])],
  ['sparse arrays of a million', () => listOf([0x94, 0xd4, 1, 1, 0xce, 0, 0x0f, 0, 0, 0x90, 0x80])],
  ['resizable buffers', () => listOf([0x93, 0xd4, 1, 9, 0xc4, 0, 0xcd, 0x10, 0])],
  ['a large bigint', () => Uint8Array.from([0xc9, 0, 0x0f, 0xff, 0xfa, 5, ...new Uint8Array(0xffffa).fill(0xff)])],
  ['references', () => listOf([0xd4, 2, 0])],
  ['UTF-16 text', () => Uint8Array.from([0xc9, 0, 0x0f, 0xff, 0xfa, 4, ...new Uint8Array(0xffffa).fill(0xd8)])],
  ['text that is not UTF-8', () => Uint8Array.from([0xdb, 0, 0x0f, 0xff, 0xfb, ...new Uint8Array(0xffffb).fill(0xf0)])],
])('%s: bounded in time and memory', (_, make) => {
  const bytes = make()
  const before = process.memoryUsage()
  const start = performance.now()
  let value: unknown
  try {
    value = new ValueDecoder({ maxDepth: 1000 }).read(new MsgpackReader(bytes))
  } catch (error) {
    if (!(error instanceof CodecError)) throw error
  }
  const after = process.memoryUsage()
  expect(performance.now() - start).toBeLessThan(5000)
  expect(after.heapUsed + after.external - before.heapUsed - before.external).toBeLessThan(400 * bytes.length)
  void value
})

const SIZE = 1 << 20

function repeated(piece: number[]): Uint8Array {
  const bytes = new Uint8Array(SIZE)
  for (let i = 0; i + piece.length <= SIZE; i += piece.length) bytes.set(piece, i)
  return bytes
}

function listOf(piece: number[]): Uint8Array {
  const count = Math.floor((SIZE - 5) / piece.length)
  const bytes = new Uint8Array(5 + count * piece.length)
  bytes.set([0xdd, count >>> 24, (count >>> 16) & 0xff, (count >>> 8) & 0xff, count & 0xff])
  for (let i = 0; i < count; i++) bytes.set(piece, 5 + i * piece.length)
  return bytes
}
