import { describe, expect, test } from 'vitest'
import { FRAME_HEADER_BYTES } from '../../src/protocol/framing.ts'
import { MalformedMessageError } from '../../src/protocol/link.ts'
import { STARTED_FRAME } from '../../src/protocol/started-frame.ts'
import { chooseVersion } from '../../src/protocol/versions.ts'
import { ERROR_CODES, errorCodeName } from '../../src/protocol/error-codes.ts'
import { workerToDaemon } from '../../src/protocol/worker-link.ts'
import { bodyOf, DIRECTIONS, WITH_PAYLOAD } from '../support/link-samples.ts'

test('the bytes of a start are what the link writes', () => {
  expect(STARTED_FRAME).toEqual(Uint8Array.from(workerToDaemon.encode({ type: 'started' })))
})

describe.each(DIRECTIONS)('$name', ({ link, messages }) => {
  const decode = (bytes: Uint8Array) => link.decode(bytes, 0, bytes.length)

  test.each(messages.map((message) => [message.type, message] as const))('%s goes and comes back', (_type, message) => {
    const frame = link.encode(message)
    expect(new DataView(frame.buffer, frame.byteOffset).getUint32(0)).toBe(frame.length - FRAME_HEADER_BYTES)
    expect(decode(bodyOf(link, message))).toEqual(message)
  })

  test.each(messages.map((message) => [message.type, message] as const))('%s cut anywhere is malformed', (_type, message) => {
    // A value at the end is not the link's to miss.
    const whole = bodyOf(link, message).slice(0, WITH_PAYLOAD.has(message.type) ? -1 : undefined)
    const step = Math.max(1, Math.floor(whole.length / 500))
    for (let length = 0; length < whole.length; length += step) expect(() => decode(whole.slice(0, length))).toThrow(MalformedMessageError)
  })

  test.each(messages.filter(({ type }) => !WITH_PAYLOAD.has(type)).map((message) => [message.type, message] as const))(
    '%s with bytes behind it is malformed',
    (_type, message) => {
      expect(() => decode(Uint8Array.from([...bodyOf(link, message), 0xc0]))).toThrow(/is followed by 1 bytes|bytes too many/)
    },
  )

  test.each(messages.map((message) => [message.type, message] as const))(
    '%s with another number of elements is malformed',
    (_type, message) => {
      const bytes = bodyOf(link, message)
      const count = (bytes[0] as number) & 15
      for (const other of [0, count - 1, count + 1, 15]) {
        expect(() => decode(Uint8Array.from([0x90 | other, ...bytes.slice(1)]))).toThrow(MalformedMessageError)
      }
    },
  )

  test.each(messages.filter((message) => Object.keys(message).length > 1).map((message) => [message.type, message] as const))(
    '%s with fields of another type is malformed',
    (_type, message) => {
      const bytes = bodyOf(link, message)
      for (const wrong of [0xc3, 0x80, 0xc1, 0xd4])
        expect(() => decode(Uint8Array.from([bytes[0] as number, bytes[1] as number, wrong]))).toThrow(MalformedMessageError)
    },
  )

  test.each([
    ['an unknown code', [0x91, 0x7f], 'there is no message 127 on this link'],
    ['a code of four bytes', [0x91, 0xce, 0xff, 0xff, 0xff, 0xff], 'there is no message 4294967295 on this link'],
  ])('%s', (_title, bytes, message) => {
    expect(() => decode(Uint8Array.from(bytes))).toThrow(new MalformedMessageError(message))
  })

  test.each([
    ['nothing', []],
    ['no array', [0xc0]],
    ['a map', [0x81, 1, 1]],
    ['an array without a code', [0x90]],
    ['a code that is a text', [0x91, 0xa1, 0x61]],
    ['a negative code', [0x91, 0xff]],
    ['a fraction as code', [0x91, 0xcb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0]],
    ['an array of four billion', [0xdd, 0xff, 0xff, 0xff, 0xff, 1]],
  ])('%s is malformed', (_title, bytes) => {
    expect(() => decode(Uint8Array.from(bytes))).toThrow(MalformedMessageError)
  })
})

test('texts and lists over their caps are malformed, and nothing of their size is allocated', () => {
  const [toDaemon] = DIRECTIONS
  const read = (bytes: readonly number[]) => () => toDaemon?.link.decode(Uint8Array.from(bytes), 0, bytes.length)
  // hello with a tenant of four gigabytes; a lease that knows four billion workers; a distrust with a reason of 1,025 characters.
  expect(read([0x95, 1, 1, 1, 0xdb, 0xff, 0xff, 0xff, 0xff])).toThrow(MalformedMessageError)
  expect(read([0x94, 2, 1, 0, 0xdd, 0xff, 0xff, 0xff, 0xff])).toThrow(MalformedMessageError)
  expect(read([0x93, 4, 1, 0xda, 4, 1, ...Array<number>(1_025).fill(0x61)])).toThrow(MalformedMessageError)
  expect(read([0x93, 4, 1, 0xda, 4, 0, ...Array<number>(1_024).fill(0x61)])()).toMatchObject({ type: 'distrust' })
})

test('a ticket has sixteen bytes at most', () => {
  const bytes = [0x94, 0, 1, 1, 0xc4, 17, ...Array<number>(17).fill(1)]
  expect(() => DIRECTIONS[4]?.link.decode(Uint8Array.from(bytes), 0, bytes.length)).toThrow(MalformedMessageError)
})

test.each<[min: number, max: number, chosen: number | undefined]>([
  [1, 1, 1],
  [0, 1, 1],
  [1, 9, 1],
  [0, 9, 1],
  [2, 9, undefined],
  [0, 0, undefined],
  [9, 1, undefined],
  [0xffff_ffff, 0, undefined],
])('versions %d to %d: %s', (min, max, chosen) => {
  expect(chooseVersion(min, max)).toBe(chosen)
})

test('every error code has a number of its own, and an unknown number is a protocol error', () => {
  for (const [name, number] of Object.entries(ERROR_CODES)) expect(errorCodeName(number)).toBe(name)
  for (const number of [0, 17_000, -1, Number.NaN]) expect(errorCodeName(number)).toBe('ERR_PROTOCOL')
})
