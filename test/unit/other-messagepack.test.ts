import { Unpackr } from 'msgpackr'
import { expect, test } from 'vitest'
import { clientToWorker } from '../../src/protocol/channel-link.ts'
import { clientToDaemon } from '../../src/protocol/control-link.ts'
import { FRAME_HEADER_BYTES } from '../../src/protocol/framing.ts'
import { MsgpackWriter } from '../../src/protocol/msgpack/writer.ts'
import { writeValue } from '../../src/protocol/values/value-encoder.ts'

// Our frames are plain MessagePack: another library, which knows nothing of us, reads them.
const other = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: 'number' })

test.each([
  [clientToDaemon.encode({ type: 'hello', minVersion: 1, maxVersion: 1, tenant: undefined, token: 'secret' }), [1, 1, 1, null, 'secret']],
  [
    clientToDaemon.encode({ type: 'lease', request: 7, purpose: 'context', known: [1, 300, 70_000], waitMs: 1_000 }),
    [2, 7, 1, [1, 300, 70_000], 1_000],
  ],
  [
    clientToWorker.encode({ type: 'run', run: 9, context: 2, timeoutMs: 5000, filename: 'rule.js', source: 'x += "ü"' }),
    [1, 9, 2, 5000, 'rule.js', 'x += "ü"'],
  ],
])('a frame %#', (frame, expected) => {
  expect(other.unpack(frame.subarray(FRAME_HEADER_BYTES))).toEqual(expected)
})

test.each([
  [null],
  [true],
  [0],
  [-1],
  [127],
  [128],
  [-129],
  [65_536],
  [2 ** 40],
  [1.5],
  [''],
  ['a'.repeat(31)],
  ['a'.repeat(32)],
  ['ä'.repeat(200)],
  [[]],
  [[1, [2, [3]]]],
  [{ a: 1, b: { c: ['d', null, false] } }],
  [Array.from({ length: 20 }, (_, i) => ({ i }))],
])('the value %j', (value) => {
  const writer = new MsgpackWriter()
  writeValue(writer, value)
  expect(other.unpack(writer.view())).toEqual(value)
})
