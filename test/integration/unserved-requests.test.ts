import type { Box } from 'glovebox'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { ClientToWorker } from '../../src/protocol/channel-link.ts'
import { ERROR_CODES } from '../../src/protocol/error-codes.ts'
import { type TestDaemon, testDaemon } from '../support/daemons.ts'
import { eventually, rejection } from '../support/eventually.ts'
import { collectGarbage } from '../support/garbage.ts'
import { handleCounts } from '../support/handle-counts.ts'
import { checkLeaks } from '../support/leaks.ts'
import { RawWorkerClient } from '../support/raw-worker-client.ts'

/** A request that is not served brings its functions all the same. The guest never saw them, so they are given back. */
checkLeaks()
const COUNT = 50
let daemon: TestDaemon
let box: Box
beforeAll(async () => {
  daemon = await testDaemon({ max: 2, maxPerTenant: 1 })
  box = await daemon.connect()
})
afterAll(async () => {
  await box.dispose()
  await daemon[Symbol.asyncDispose]()
})
afterEach(async () => {
  await handleCounts(box, {}, collectGarbage)
})

const REQUEST = { context: 1, timeoutMs: 5_000, filename: undefined } as const
const LATE = { ...REQUEST, timeoutMs: 0 }
const host = (): number => 0
const { ERR_CANCELLED, ERR_TIMEOUT, ERR_FUNCTION_GONE, ERR_NOT_A_FUNCTION, ERR_PROTOCOL } = ERROR_CODES
type Row = [what: string, message: (run: number) => ClientToWorker, payload: unknown, outcome: object, isCancelled?: boolean]

test.each<Row>([
  ['set, cancelled', (run) => ({ type: 'set', ...REQUEST, run, name: 'x' }), { list: [host] }, { code: ERR_CANCELLED }, true],
  ['call, cancelled', (run) => ({ type: 'call', ...REQUEST, run, name: 'f' }), [host], { code: ERR_CANCELLED }, true],
  ['invoke, cancelled', (run) => ({ type: 'invoke', ...REQUEST, run, handle: 1 }), [host], { code: ERR_CANCELLED }, true],
  ['many, cancelled', (run) => ({ type: 'many', ...REQUEST, run, source: '1' }), [host], { code: ERR_CANCELLED }, true],
  ['set, too late', (run) => ({ type: 'set', ...LATE, run, name: 'x' }), host, { code: ERR_TIMEOUT }],
  ['set, too late, and larger than what there is room for', (run) => ({ type: 'set', ...LATE, run, name: 'x' }), [new Uint8Array(5_000), host], { code: ERR_TIMEOUT }], // biome-ignore format: a case a line
  ['call, too late', (run) => ({ type: 'call', ...LATE, run, name: 'f' }), [host], { code: ERR_TIMEOUT }],
  ['invoke, too late', (run) => ({ type: 'invoke', ...LATE, run, handle: 1 }), [host], { code: ERR_TIMEOUT }],
  ['many, too late', (run) => ({ type: 'many', ...LATE, run, source: '1' }), [host], { code: ERR_TIMEOUT }],
  ['many, of a script that does not parse', (run) => ({ type: 'many', ...REQUEST, run, source: '(' }), [host], { type: 'threw' }],
  ['call of what is no function', (run) => ({ type: 'call', ...REQUEST, run, name: 'x' }), [host], { code: ERR_NOT_A_FUNCTION }],
  [
    'invoke of a function that was released',
    (run) => ({ type: 'invoke', ...REQUEST, run, handle: 9 }),
    [host],
    { code: ERR_FUNCTION_GONE },
  ],
  ['arguments that are none', (run) => ({ type: 'call', ...REQUEST, run, name: 'f' }), { 0: host, length: 1 }, { code: ERR_PROTOCOL }],
])('%s', async (_what, message, payload, outcome, isCancelled = false) => {
  await using client = await RawWorkerClient.connect(daemon.socket)
  client.send({ type: 'create', run: 1, context: 1 }, {})
  const runs = Array.from({ length: COUNT }, (_, nth) => nth + 2)
  if (isCancelled) for (const run of runs) client.send({ type: 'cancel', run })
  for (const run of runs) client.send(message(run), payload)
  for (const run of runs) expect(await client.outcome(run)).toMatchObject(outcome)

  let run = COUNT + 2
  await eventually('all of them back', async () => {
    client.send({ type: 'run', ...REQUEST, run, source: '{ const waste = []; for (let i = 0; i < 2e5; i++) waste.push({ i }) } typeof x' })
    expect(await client.outcome(run++)).toMatchObject({ value: 'undefined' })
    const released = client.all.flatMap((said) => (said.type === 'releasedByGuest' ? said.handles : []))
    return released.filter((_, at) => at % 2 === 1).reduce((sum, count) => sum + count, 0) === COUNT
  })
})

test('globals of a context that is not made, and of a run that is given up', async () => {
  const globals = { fn: host }
  for (let i = 0; i < COUNT; i++) {
    await rejection(box.createContext(globals, { signal: AbortSignal.abort(new Error('enough')) }))
    await rejection(box.run('for (;;);', { globals, timeout: 1 }))
  }
})
