import { describe, expect, test } from 'vitest'
import { FRAME_HEADER_BYTES, FrameSplitter, FramingError } from '../../src/protocol/framing.ts'

const CAP = 1_000_000
const frame = (body: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(FRAME_HEADER_BYTES + body.length)
  new DataView(bytes.buffer).setUint32(0, body.length)
  bytes.set(body, FRAME_HEADER_BYTES)
  return bytes
}
const body = (length: number, first = 0): Uint8Array => Uint8Array.from({ length }, (_, n) => (first + n) & 255)
const header = (length: number): Uint8Array => frame(new Uint8Array(0)).map((_, n) => (length >>> (24 - 8 * n)) & 255)

function collector(cap = CAP): { readonly frames: Uint8Array[]; readonly splitter: FrameSplitter } {
  const frames: Uint8Array[] = []
  return { frames, splitter: new FrameSplitter(cap, (bytes, start, end) => frames.push(bytes.slice(start, end))) }
}
const bodies = [body(1), body(2, 9), body(255), body(3), body(5_000, 7), body(1), body(70_000, 3), body(4)]
const stream = new Uint8Array(Buffer.concat(bodies.map(frame)))

test.each([1, 2, 3, 4, 5, 7, 64, 4_095, 4_096, 65_536, stream.length])('the same frames in chunks of %d', (size) => {
  const { frames, splitter } = collector()
  for (let at = 0; at < stream.length; at += size) splitter.push(stream.subarray(at, at + size))
  expect(frames).toEqual(bodies)
  expect(splitter.pendingBytes).toBe(0)
})

test.each([0, 1, 2, 3, 4, 5])('a header that is split after %d bytes, between two frames', (cut) => {
  const { frames, splitter } = collector()
  const both = new Uint8Array(Buffer.concat([frame(body(3)), frame(body(2, 50))]))
  splitter.push(both.subarray(0, 7 + cut))
  splitter.push(both.subarray(7 + cut))
  expect(frames).toEqual([body(3), body(2, 50)])
})

test('a frame in one chunk is handed on in place', () => {
  const chunk = frame(body(10))
  let same = false
  new FrameSplitter(CAP, (bytes, start, end) => {
    same = bytes === chunk && start === 4 && end === 14
  }).push(chunk)
  expect(same).toBe(true)
})

test('an empty chunk changes nothing', () => {
  const { frames, splitter } = collector()
  splitter.push(new Uint8Array(0))
  splitter.push(stream.subarray(0, 3))
  splitter.push(new Uint8Array(0))
  splitter.push(stream.subarray(3, 5))
  expect(frames).toEqual([body(1)])
})

describe.each([
  ['in one chunk', (splitter: FrameSplitter, bytes: Uint8Array) => splitter.push(bytes)],
  ['byte by byte', (splitter: FrameSplitter, bytes: Uint8Array) => bytes.forEach((_, n) => splitter.push(bytes.subarray(n, n + 1)))],
])('%s', (_title, push) => {
  test('a frame as large as the cap passes', () => {
    const { frames, splitter } = collector(100)
    push(splitter, frame(body(100)))
    expect(frames).toEqual([body(100)])
  })

  test.each([
    [101, 'a frame of 101 bytes, over the cap of 100'],
    [0x7fff_ffff, 'a frame of 2147483647 bytes, over the cap of 100'],
    [0x8000_0000, 'a frame of 2147483648 bytes, over the cap of 100'],
    [0xffff_ffff, 'a frame of 4294967295 bytes, over the cap of 100'],
    [0, 'a frame of no bytes'],
  ])('a header that announces %d is refused before its body', (length, message) => {
    const { frames, splitter } = collector(100)
    push(splitter, frame(body(5)))
    expect(() => push(splitter, new Uint8Array([...header(length), 1]))).toThrow(new FramingError(message))
    expect(frames).toEqual([body(5)])
  })
})

test('a cap that is raised while a frame is handed on holds for the next frame of the same chunk', () => {
  const frames: number[] = []
  const splitter: FrameSplitter = new FrameSplitter(10, (_bytes, start, end) => {
    frames.push(end - start)
    splitter.maxFrameBytes = 1_000
  })
  splitter.push(new Uint8Array(Buffer.concat([frame(body(10)), frame(body(500)), frame(body(900)).subarray(0, 50)])))
  splitter.push(frame(body(900)).subarray(50))
  expect(frames).toEqual([10, 500, 900])
})

describe('memory', () => {
  const memory = (): number => {
    globalThis.gc?.()
    return process.memoryUsage().arrayBuffers
  }

  test('is taken for what arrived, not for what was announced', () => {
    const before = memory()
    const splitters = Array.from({ length: 200 }, () => new FrameSplitter(1 << 30, () => undefined))
    for (const splitter of splitters) splitter.push(new Uint8Array([...header(1 << 30), 1, 2, 3]))
    expect(memory() - before).toBeLessThan(200 * 8_192 + (1 << 20))
    expect(splitters.map(({ pendingBytes }) => pendingBytes)).toEqual(splitters.map(() => 7))
  })

  test('of a large frame is given back after it', () => {
    const frames: WeakRef<ArrayBufferLike>[] = []
    const sizes: number[] = []
    const splitter = new FrameSplitter(1 << 26, (bytes) => {
      frames.push(new WeakRef(bytes.buffer))
      sizes.push(bytes.buffer.byteLength)
    })
    const large = frame(new Uint8Array(8 << 20))
    splitter.push(large.subarray(0, 1_000))
    splitter.push(large.subarray(1_000))
    const small = frame(body(100))
    splitter.push(small.subarray(0, 10))
    splitter.push(small.subarray(10))
    expect(sizes[0]).toBeGreaterThanOrEqual(8 << 20)
    expect(sizes[1]).toBeLessThanOrEqual(4_096)
  })
})

/** A listener that reads more by itself, as a worker does while a guest waits for the host. */
describe('a listener that pushes the next bytes itself', () => {
  test.each([1, 2, 3, 5, 8, 64, 4_096, 65_536, stream.length])('sees the same frames in the same order, in chunks of %d', (size) => {
    const chunks: Uint8Array[] = []
    for (let at = 0; at < stream.length; at += size) chunks.push(stream.subarray(at, at + size))
    const frames: Uint8Array[] = []
    let given = 0
    let depth = 0
    const splitter: FrameSplitter = new FrameSplitter(CAP, (bytes, start, end) => {
      const copy = bytes.slice(start, end)
      frames.push(copy)
      // Every other frame, and not without end.
      if (frames.length % 2 === 1 && depth < 3) {
        depth++
        for (let more = 0; more < 2; more++) {
          const next = chunks[given++]
          if (next !== undefined) splitter.push(next)
        }
        depth--
      }
      // What was handed on stays as it is until the listener is done with it.
      expect(bytes.subarray(start, end)).toEqual(copy)
    })
    while (given < chunks.length) splitter.push(chunks[given++] as Uint8Array)
    expect(frames).toEqual(bodies)
    expect(splitter.pendingBytes).toBe(0)
  })

  test('what it does not like ends all of it', () => {
    const splitter: FrameSplitter = new FrameSplitter(10, () => {
      splitter.push(header(11))
    })
    expect(() => splitter.push(new Uint8Array(Buffer.concat([frame(body(1)), frame(body(2))])))).toThrow(FramingError)
  })
})
