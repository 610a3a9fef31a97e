import type { Box } from 'glovebox'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type ClientToWorker, clientToWorker } from '../../src/protocol/channel-link.ts'
import { ERROR_CODES } from '../../src/protocol/error-codes.ts'
import { MsgpackWriter } from '../../src/protocol/msgpack/writer.ts'
import { type TestDaemon, testDaemon } from '../support/daemons.ts'
import { checkLeaks } from '../support/leaks.ts'
import { RawWorkerClient } from '../support/raw-worker-client.ts'

/**
 * A client that says to a worker what no client does: what it asks for is refused, or its channel closed. Other clients of the worker, and other contexts of the same client, go on; so none of
 * this may end the worker.
 */
checkLeaks()
let daemon: TestDaemon
let box: Box
let bystander: RawWorkerClient
let asked = 1
beforeAll(async () => {
  daemon = await testDaemon({ max: 1 })
  box = await daemon.connect()
  bystander = await RawWorkerClient.connect(daemon.socket)
  bystander.send({ type: 'create', run: 1, context: 1 }, { kept: 'kept' })
})
afterAll(async () => {
  await bystander[Symbol.asyncDispose]()
  await box.dispose()
  await daemon[Symbol.asyncDispose]()
})
const undisturbed = async (): Promise<void> => {
  bystander.send({ ...RUN, run: ++asked, source: 'kept' })
  expect(await bystander.outcome(asked)).toMatchObject({ value: 'kept' })
  expect((await box.status()).deaths).toEqual([])
}
afterEach(undisturbed)

const RUN = { type: 'run', context: 1, timeoutMs: 5_000, filename: undefined } as const
const REQUEST = { context: 1, timeoutMs: 5_000, filename: undefined } as const
const host = (): number => 0
const { ERR_PROTOCOL, ERR_VALUE_TOO_LARGE, ERR_FUNCTION_GONE, ERR_CONTEXT_LOST, ERR_SCRIPT_UNKNOWN, ERR_TIMEOUT } = ERROR_CODES
const MAX = 0xffff_ffff

/** A client with two contexts: in number 1 a guest's function `f` with the handle 1, and the host's `host` with the number 1. */
async function hostile(): Promise<RawWorkerClient> {
  const client = await RawWorkerClient.connect(daemon.socket)
  client.send({ type: 'create', run: 1, context: 1 }, { host })
  client.send({ type: 'create', run: 2, context: 2 }, { kept: 2 })
  client.send({ ...RUN, run: 3, source: 'globalThis.f = (...args) => args.length; f' })
  expect(await client.outcome(3)).toMatchObject({ type: 'done' })
  return client
}

/** Holes that weigh nothing. */
function holes(length: number): unknown[] {
  const array: unknown[] = []
  array.length = length
  return array
}

/** A whole frame around an array of MessagePack: for what the encoder would not write. */
function rawBody(write: (out: MsgpackWriter) => void): Uint8Array {
  const out = new MsgpackWriter()
  write(out)
  const frame = Buffer.alloc(4 + out.position)
  frame.writeUInt32BE(out.position)
  frame.set(out.view(), 4)
  return frame
}

/** Made late: whoever tells of a test looks at all that it is given. */
const NO_LISTS: [what: string, make: () => unknown, code: number][] = [
  ['undefined', () => undefined, ERR_PROTOCOL],
  ['null', () => null, ERR_PROTOCOL],
  ['a number', () => 5, ERR_PROTOCOL],
  ['a text', () => 'abc', ERR_PROTOCOL],
  ['a Map', () => new Map([[0, 1]]), ERR_PROTOCOL],
  ['a function', () => host, ERR_PROTOCOL],
  ['bytes', () => new Uint8Array(3), ERR_PROTOCOL],
  ['what is like an array', () => ({ 0: 1, length: 1 }), ERR_PROTOCOL],
  ['what is like an array, of a length that ends a process', () => ({ length: 2 ** 27 }), ERR_PROTOCOL],
  ['what is like an array, of the largest length', () => ({ length: MAX }), ERR_PROTOCOL],
  ['one more than the limit', () => holes(100_001), ERR_VALUE_TOO_LARGE],
  ['as many holes as fill a heap', () => holes(3e7), ERR_VALUE_TOO_LARGE],
  ['as many holes as end a process', () => holes(1e8), ERR_VALUE_TOO_LARGE],
  ['as many holes as there can be', () => holes(MAX), ERR_VALUE_TOO_LARGE],
]

describe.each(NO_LISTS)('arguments that are %s', (_what, make, code) => {
  test.each<[type: string, message: ClientToWorker]>([
    ['call', { type: 'call', ...REQUEST, run: 4, name: 'f' }],
    ['invoke', { type: 'invoke', ...REQUEST, run: 4, handle: 1 }],
  ])('%s', async (_type, message) => {
    await using client = await hostile()
    client.send(message, make())
    expect(await client.outcome(4)).toMatchObject({ type: 'failed', code })
    client.send({ ...message, run: 5 } as ClientToWorker, ['well', 'well'])
    expect(await client.outcome(5)).toEqual({ type: 'done', run: 5, value: 2 })
  })
})

test('as many arguments as there may be', async () => {
  await using client = await hostile()
  client.send({ type: 'call', ...REQUEST, run: 4, name: 'f' }, holes(100_000))
  expect(await client.outcome(4)).toEqual({ type: 'done', run: 4, value: 100_000 })
  client.send({ ...RUN, run: 5, source: 'try { host(...Array(100_001)) } catch (error) { [error.code, error.message] }' })
  expect(await client.outcome(5)).toMatchObject({
    value: ['ERR_VALUE_TOO_LARGE', 'a call with 100001 arguments, over the limit of 100000'],
  })
})

describe.each(NO_LISTS.slice(0, 10))('inputs that are %s', (_what, make) => {
  test('many', async () => {
    await using client = await hostile()
    client.send({ type: 'many', ...REQUEST, run: 4, source: '(x) => x' }, make())
    expect(await client.outcome(4)).toMatchObject({ type: 'threw', value: { message: 'the inputs are not an array' } })
  })
})

test('as many inputs as there can be, which it does not take: others are served, and a cancellation ends it', async () => {
  await using client = await hostile()
  client.send({ type: 'many', ...REQUEST, run: 4, source: '(x) => x' }, holes(MAX))
  client.send({ ...RUN, run: 5, source: '5' })
  expect(await client.outcome(5)).toMatchObject({ value: 5 })
  client.send({ type: 'cancel', run: 4 })
  expect(await client.outcome(4)).toMatchObject({ type: 'failed', code: ERROR_CODES.ERR_CANCELLED })
})

describe.each<[what: string, make: () => unknown]>([
  ['undefined', () => undefined],
  ['a number', () => 5],
  ['a text', () => 'ab'],
  ['an array', () => [1]],
  ['a Map', () => new Map()],
  ['a function', () => host],
  ['more bytes than there can be globals', () => new Uint8Array(3e7)],
])('globals that are %s', (_what, make) => {
  test.each<[type: string, message: ClientToWorker]>([
    ['create', { type: 'create', run: 4, context: 3 }],
    ['onceWith', { type: 'onceWith', ...REQUEST, context: 3, run: 4, source: '1' }],
  ])('%s', async (_type, message) => {
    await using client = await hostile()
    client.send(message, make())
    expect(await client.outcome(4)).toMatchObject({ type: 'threw', value: { name: 'TypeError', message: 'the globals are not an object' } })
    client.send({ type: 'create', run: 5, context: 3 }, {})
    expect(await client.outcome(5)).toMatchObject({ type: 'done' })
  })
})

/** Odd, but nothing that a client could not have meant: the run 4, if there is one, is answered so. */
type Odd = [what: string, frames: (client: RawWorkerClient) => readonly Uint8Array[], outcome?: object]
const ODD: Odd[] = [
  ['an answer to no call', (client) => [client.frame({ type: 'returned', context: 1, call: 77 }, holes(MAX))]],
  ['an error to no call', (client) => [client.frame({ type: 'raised', context: 1, call: 0 }, { length: MAX })]],
  ['a promise to no call', (client) => [client.frame({ type: 'promised', context: 1, call: MAX })]],
  ['answers for contexts that there are not', (client) => [0, 9, MAX].map((context) => client.frame({ type: 'returned', context, call: 1 }, [host]))],
  ['an answer that is not well made', (client) => [spoiled(client.frame({ type: 'returned', context: 1, call: 77 }, [[1]]))]],
  ['an answer that is nested a million deep', (client) => [deep(client.frame({ type: 'returned', context: 1, call: 77 }, 0))]],
  ['handles given back, of every number, more often than they were got', (client) => [client.frame({ type: 'releasedByHost', context: 2, handles: [0, MAX, 1, MAX, MAX, MAX, 1, 0] })]],
  ['cancellations of runs that never come', (client) => Array.from({ length: 30_000 }, (_, n) => client.frame({ type: 'cancel', run: 1e6 + n }))],
  ['more, of runs that never come', (client) => [0, 77, MAX].map((run) => client.frame({ type: 'more', run }))],
  ['a context that there is already', (client) => [client.frame({ type: 'create', run: 4, context: 1 }, {})], { type: 'failed', code: ERR_PROTOCOL }],
  ['a run in a new context, whose number is taken', (client) => [client.frame({ type: 'once', ...REQUEST, run: 4, source: '1' })], { type: 'failed', code: ERR_PROTOCOL }],
  ['a context that there is not', (client) => [client.frame({ ...RUN, context: MAX, run: 4, source: '1' })], { type: 'failed', code: ERR_CONTEXT_LOST }],
  ['a context that there is not, disposed', (client) => [client.frame({ type: 'dispose', run: 4, context: 0 })], { type: 'done' }],
  ['a function that there is not', (client) => [client.frame({ type: 'invoke', ...REQUEST, run: 4, handle: MAX }, [])], { type: 'failed', code: ERR_FUNCTION_GONE }],
  ['a script that there is not', (client) => [client.frame({ type: 'runScript', ...REQUEST, run: 4, hash: new Uint8Array(32) })], { type: 'failed', code: ERR_SCRIPT_UNKNOWN }],
  ['a cache that is none of V8', (client) => [client.frame({ type: 'script', hash: new Uint8Array(32), filename: undefined, code: '4', cachedData: new Uint8Array(1e5).fill(7) }), client.frame({ type: 'runScript', ...REQUEST, run: 4, hash: new Uint8Array(32) })], { value: 4 }],
  ['no time at all', (client) => [client.frame({ ...RUN, timeoutMs: 0, run: 4, source: '1' })], { type: 'failed', code: ERR_TIMEOUT }],
  ['all time that there is', (client) => [client.frame({ ...RUN, timeoutMs: MAX, run: 4, source: '1' })], { value: 1 }],
  ['a path of dots', (client) => [client.frame({ type: 'call', ...REQUEST, run: 4, name: '.'.repeat(1_024) }, [])], { type: 'failed', code: ERROR_CODES.ERR_NOT_A_FUNCTION }],
  ['a name that is code', (client) => [client.frame({ type: 'get', ...REQUEST, run: 4, name: 'f();for(;;);' })], { value: undefined }],
  ['a set of what is not well made', (client) => [spoiled(client.frame({ type: 'set', ...REQUEST, run: 4, name: 'x' }, [[1]]))], { type: 'failed', code: ERR_PROTOCOL }],
  ['arguments that are nested a million deep', (client) => [deep(client.frame({ type: 'call', ...REQUEST, run: 4, name: 'f' }, 0))], { type: 'limited', code: ERROR_CODES.ERR_VALUE_TOO_DEEP, limit: 'maxDepth' }],
  ['a payload that is not there', () => [clientToWorker.encode({ type: 'set', ...REQUEST, run: 4, name: 'x' })], { type: 'failed', code: ERR_PROTOCOL }],
] // biome-ignore format: a case a line

/** Says at its end that there are more elements than there are. */
function spoiled(frame: Uint8Array): Uint8Array {
  frame[frame.length - 2] = 0x95
  return frame
}

/** The payload, which is one byte, a million levels down. */
function deep(frame: Uint8Array): Uint8Array {
  const nested = Buffer.concat([frame.subarray(0, -1), Buffer.alloc(1e6, 0x91), frame.subarray(-1)])
  nested.writeUInt32BE(nested.length - 4)
  return nested
}

/** Whether run 4 is answered so, if there is one. */
async function answered(client: RawWorkerClient, outcome: object | undefined): Promise<void> {
  expect(outcome === undefined ? {} : await client.outcome(4)).toMatchObject(outcome ?? {})
}

/** What breaks the protocol. */
const BROKEN: [what: string, frame: (client: RawWorkerClient) => Uint8Array][] = [
  ['an unknown message', () => rawBody((out) => { out.arrayHeader(2); out.int(99); out.int(1) })],
  ["a worker's message", () => rawBody((out) => { out.arrayHeader(3); out.int(20); out.int(1); out.int(1) })],
  ['a second hello', (client) => client.frame({ type: 'hello', minVersion: 1, maxVersion: 1, ticket: new Uint8Array(16) })],
  ['a negative number', () => rawBody((out) => { out.arrayHeader(3); out.int(5); out.int(-1); out.int(1) })],
  ['a number that is a text', () => rawBody((out) => { out.arrayHeader(3); out.int(5); out.string('1'); out.int(1) })],
  ['a number with a fraction', () => rawBody((out) => { out.arrayHeader(3); out.int(5); out.number(1.5); out.int(1) })],
  ['a field too few', () => rawBody((out) => { out.arrayHeader(2); out.int(5); out.int(1) })],
  ['a field too many', () => rawBody((out) => { out.arrayHeader(4); out.int(5); out.int(1); out.int(1); out.int(1) })],
  ['something after a message without a value', () => rawBody((out) => { out.arrayHeader(3); out.int(5); out.int(1); out.int(1); out.int(1) })],
  ['an object instead of an array', () => rawBody((out) => { out.mapHeader(1); out.int(5); out.int(1) })],
  ['a handle without its count', (client) => client.frame({ type: 'releasedByHost', context: 1, handles: [1] })],
  ['more handles than fit', (client) => client.frame({ type: 'releasedByHost', context: 1, handles: Array.from({ length: 2_002 }, () => 1) })],
  ['a name that is too long', (client) => client.frame({ type: 'get', ...REQUEST, run: 4, name: 'x'.repeat(4_000) })],
  ['a hash that is too short', (client) => client.frame({ type: 'runScript', ...REQUEST, run: 4, hash: new Uint8Array(31) })],
  ['a frame that is larger than any', () => Uint8Array.of(0xff, 0xff, 0xff, 0xff)],
  ['an empty frame', () => Uint8Array.of(0, 0, 0, 0)],
] // biome-ignore format: a case a line

describe('what a client could not have meant is refused', () => {
  test.each(ODD)('%s', async (_what, frames, outcome) => {
    await using client = await hostile()
    client.write(...frames(client))
    await answered(client, outcome)
    client.send({ ...RUN, context: 2, run: 5, source: 'kept' })
    expect(await client.outcome(5)).toMatchObject({ value: 2 })
  })

  test.each(ODD)('%s, while a guest waits', async (_what, frames, outcome) => {
    await using client = await hostile()
    client.send({ ...RUN, run: 10, source: 'host()' })
    await client.heard('hostCall')
    client.write(...frames(client), client.frame({ type: 'returned', context: 1, call: 1 }, 'right'))
    expect(await client.outcome(10)).toMatchObject({ value: 'right' })
    await answered(client, outcome)
    client.send({ ...RUN, context: 2, run: 11, source: 'kept' })
    expect(await client.outcome(11)).toMatchObject({ value: 2 })
  })
})

describe('what breaks the protocol closes the channel', () => {
  test.each(BROKEN)('%s', async (_what, frame) => {
    await using client = await hostile()
    client.write(frame(client), client.frame({ ...RUN, run: 5, source: '5' }))
    await client.closed
    expect(client.all.at(-1)).toMatchObject({ type: 'failed', run: 0, code: ERR_PROTOCOL })
    expect(client.all.some((said) => said.type === 'done' && said.run === 5)).toBe(false)
  })

  test.each(BROKEN)('%s, while a guest waits', async (_what, frame) => {
    await using client = await hostile()
    client.send({ ...RUN, run: 4, source: 'host()' })
    await client.heard('hostCall')
    client.write(frame(client), client.frame({ type: 'returned', context: 1, call: 1 }, 'right'))
    await client.closed
    expect(await client.outcome(0)).toMatchObject({ type: 'failed', code: ERR_PROTOCOL })
  })
})

describe('a number that is used twice', () => {
  test('after its run is over', async () => {
    await using client = await hostile()
    for (let i = 0; i < 3; i++) client.send({ ...RUN, run: 4, source: '4' })
    client.send({ ...RUN, run: 5, source: '5' })
    expect(await client.outcome(5)).toMatchObject({ value: 5 })
    expect(client.all.filter((said) => said.type === 'done' && said.run === 4)).toHaveLength(3)
  })

  test.each(['run', 'many', 'idle'] as const)('while one waits: %s', async (type) => {
    await using client = await hostile()
    const again = {
      run: client.frame({ ...RUN, run: 4, source: 'new Promise(() => {})' }),
      many: client.frame({ type: 'many', ...REQUEST, run: 4, source: 'new Promise(() => {})' }, [1]),
      idle: client.frame({ type: 'idle', ...REQUEST, run: 4, name: '' }),
    }
    // In one write: one that fails, as the channel is closed, would take with it what was not read yet.
    client.write(client.frame({ ...RUN, run: 4, source: 'new Promise((resolve) => setTimeout(resolve, 1e9))' }), again[type])
    await client.closed
    expect(client.all.at(-1)).toMatchObject({ type: 'failed', run: 0, code: ERR_PROTOCOL })
  })
})
