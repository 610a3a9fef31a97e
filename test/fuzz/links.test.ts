import { array, assert, constantFrom, infiniteStream, integer, nat, property, tuple, uint8Array } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FrameSplitter, FramingError } from '../../src/protocol/framing.ts'
import { MalformedMessageError } from '../../src/protocol/link.ts'
import { bodyOf, DIRECTIONS } from '../support/link-samples.ts'
import { mutated } from '../support/mutated.ts'

/** A million of each is what `npm run reliability -- fuzz` does. */
const RUNS = 30_000
const MIB = 1024 * 1024

describe.each(DIRECTIONS)('$name', ({ link, messages }) => {
  /** What it decodes to, or `undefined` if it is malformed. Anything else that is thrown is a failure. */
  const decode = (bytes: Uint8Array): unknown => {
    try {
      return link.decode(bytes, 0, bytes.length)
    } catch (error) {
      if (error instanceof MalformedMessageError) return undefined
      throw error
    }
  }
  const bodies = messages.map((message) => bodyOf(link, message))

  test(`${RUNS} random frames`, () => {
    assert(
      property(uint8Array({ maxLength: 64 }), (bytes) => {
        decode(bytes)
      }),
      { numRuns: RUNS },
    )
  })

  test(`${RUNS} mutated frames`, () => {
    let malformed = 0
    const change = tuple(
      nat(3),
      nat(2_000),
      constantFrom(0, 1, 0x7f, 0x80, 0x90, 0xc0, 0xc4, 0xca, 0xcb, 0xcf, 0xd3, 0xd9, 0xdb, 0xdc, 0xdd, 0xdf, 0xff),
    )
    const before = process.memoryUsage().rss
    assert(
      property(nat(bodies.length - 1), array(change, { minLength: 1, maxLength: 6 }), (index, changes) => {
        if (decode(mutated(bodies[index] as Uint8Array, changes)) === undefined) malformed++
      }),
      { numRuns: RUNS },
    )
    expect(malformed).toBeGreaterThan(RUNS / 10)
    expect(process.memoryUsage().rss - before).toBeLessThan(500 * MIB)
  })
})

test('random streams in random chunks: only framing errors, and what passes is within the cap', () => {
  assert(
    property(array(uint8Array({ maxLength: 40 }), { maxLength: 8 }), nat(64), (chunks, cap) => {
      const splitter = new FrameSplitter(cap + 1, (_bytes, start, end) => {
        if (end - start < 1 || end - start > cap + 1) throw new Error('a frame beyond the cap')
      })
      try {
        for (const chunk of chunks) splitter.push(chunk)
      } catch (error) {
        if (!(error instanceof FramingError)) throw error
      }
    }),
    { numRuns: RUNS },
  )
})

test('any frames in any chunks come out as they went in', () => {
  assert(
    property(
      array(uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 10 }),
      infiniteStream(integer({ min: 1, max: 500 })),
      (bodies, sizes) => {
        const stream = Buffer.concat(bodies.flatMap((body) => [Buffer.from([0, 0, body.length >> 8, body.length & 255]), body]))
        const out: Uint8Array[] = []
        const splitter = new FrameSplitter(1_000, (bytes, start, end) => out.push(bytes.slice(start, end)))
        for (let at = 0; at < stream.length; ) {
          const size = sizes.next().value as number
          splitter.push(new Uint8Array(stream.subarray(at, at + size)))
          at += size
        }
        expect(out).toEqual(bodies.map((body) => Uint8Array.from(body)))
      },
    ),
    { numRuns: 2_000 },
  )
})
