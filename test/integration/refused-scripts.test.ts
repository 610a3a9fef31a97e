import { setTimeout as wait } from 'node:timers/promises'
import { type Box, GuestError, ScriptRefusedError } from 'glovebox'
import { expect, test } from 'vitest'
import { codeHash } from '../../src/base/source-hash.ts'
import { clientToWorker } from '../../src/protocol/channel-link.ts'
import { testDaemon } from '../support/daemons.ts'
import { eventually, rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'
import { CONTROL_HELLO, RawClient, RawPeer } from '../support/raw-peer.ts'

checkLeaks()

const MIB = 1024 * 1024
/** Fills a small heap in some 100 ms. A script and a module. */
const CRASH = 'const kept = []; for (;;) kept.push(new Array(1e5).fill(kept))'
const PATIENT = { timeout: 30_000 }

/** What cannot cross: a run with it fails before anything is sent, and would crash nothing. */
const UNSENT = { globals: { map: new WeakMap() } }

/** The refusal, if the box refuses the script; what it says of any other source it says of none. */
async function refusal(box: Box, source = CRASH): Promise<ScriptRefusedError | undefined> {
  const error = await box.run(source, UNSENT).catch((cause: unknown) => cause)
  return error instanceof ScriptRefusedError ? error : undefined
}

test('a script that crashed three workers, in whatever form, is refused for all clients of its tenant; what ran beside it is not', async () => {
  await using daemon = await testDaemon({ memory: 32 * MIB, maxPerTenant: 1 })
  await using first = await daemon.connect()
  await using second = await daemon.connect()
  const script = await second.compile(CRASH)
  const module = await second.compile(CRASH, { format: 'module', filename: 'crash.mjs' })
  const crashes = [
    async () => first.run(CRASH, PATIENT),
    async () => (await second.createContext()).run(script, PATIENT),
    async () => (await first.createContext()).import('crash', { ...PATIENT, modules: { crash: CRASH } }),
  ]
  const innocent = 'new Promise(() => {})'
  for (const crash of crashes) {
    expect([await refusal(first), await refusal(second)]).toEqual([undefined, undefined])
    const neighbour = rejection((await second.createContext()).run(innocent, PATIENT))
    expect((await rejection(crash())).code).toBe('ERR_MEMORY_LIMIT')
    expect((await neighbour).code).toBe('ERR_WORKER_CRASHED')
  }
  for (const box of [first, second]) {
    const error = await eventually('the refusal', async () => refusal(box))
    expect([error.code, error.hash.length, error.report]).toEqual(['ERR_SCRIPT_REFUSED', 64, undefined])
    expect(error.message).toMatch(
      /^this script \(SHA-256 [0-9a-f]{16}…\) crashed 3 workers in a short time, and is refused for another \d+ ms$/,
    )
    expect(error.retryAfter).toBeGreaterThan(0)
    expect(error.retryAfter).toBeLessThanOrEqual(60_000)
    await using ctx = await box.createContext()
    const refused = [
      ctx.run(CRASH),
      ctx.run(script),
      ctx.run(CRASH, { language: 'ts' }),
      box.run(script, { fresh: 'process' }),
      ctx.runMany(CRASH, [1]).next(),
      box.runMany(CRASH, [1]).next(),
      ctx.import(module),
      ctx.import('crash', { modules: { crash: { source: CRASH, filename: 'other.mjs' } } }),
    ]
    for (const error of await Promise.all(refused.map(rejection))) expect(error).toBeInstanceOf(ScriptRefusedError)
    // A module that another one imports: the guest is told, as of any that cannot be had.
    const imports = await rejection(ctx.import('main', { modules: { main: "import 'crash'", crash: CRASH } }))
    expect(imports).toBeInstanceOf(GuestError)
    expect(imports.message).toMatch(/^Cannot load module 'crash' imported from 'main': this script .* crashed 3 workers/)
    expect((await rejection(ctx.run(innocent, { timeout: 20 }))).code).toBe('ERR_TIMEOUT')
    expect(await ctx.run('1 + 1')).toBe(2)
  }
  await using third = await daemon.connect()
  await eventually('the refusal of a new client', async () => refusal(third))
  expect((await first.status()).deaths).toHaveLength(3)
})

test('it is taken again when the time is over', async () => {
  await using daemon = await testDaemon({ memory: 32 * MIB, maxPerTenant: 3, max: 6, crashWindow: 1_500 })
  await using box = await daemon.connect()
  const crashed = async (): Promise<ScriptRefusedError | undefined> => {
    const contexts = await Promise.all([1, 2, 3].map(async () => box.createContext()))
    await Promise.all(contexts.map(async (ctx) => rejection(ctx.run(CRASH, PATIENT))))
    return refusal(box)
  }
  const { retryAfter } = await eventually('a refusal', crashed)
  const overMs = performance.now() + retryAfter
  await wait(retryAfter)
  // A timer counts from when its turn began, and may be early.
  await eventually('the end of the time', async () => performance.now() >= overMs)
  expect(await refusal(box)).toBeUndefined()
})

test('a client that tells of crashes that never were, or again and again of one, is not believed', async () => {
  await using daemon = await testDaemon({ memory: 32 * MIB })
  await using box = await daemon.connect()
  await using liar = new RawClient(daemon.socket)
  const hash = codeHash('1')
  await liar.answerTo(CONTROL_HELLO, 'welcome')
  const { path, ticket, channel } = await liar.answerTo({ type: 'lease', request: 1, purpose: 'run', known: [], waitMs: 1_000 }, 'leased')
  for (const run of [1, 1, 1, 2, 3]) liar.tell({ type: 'crashed', channel, run, hash })
  await using worker = new RawPeer(path as string)
  worker.write(clientToWorker.encode({ type: 'hello', minVersion: 1, maxVersion: 1, ticket }))
  worker.write(clientToWorker.encode({ type: 'once', run: 1, context: 1, timeoutMs: 30_000, filename: undefined, source: CRASH }))
  const lost = await liar.answer(2)
  expect(lost).toMatchObject({ type: 'lost', report: { channel, run: 1, cause: 'heap' } })
  for (let times = 0; times < 5; times++) liar.tell({ type: 'crashed', channel, run: 1, hash })
  // The next thing that it hears is this, and no refusal.
  await liar.answerTo({ type: 'status', request: 9 }, 'status')
  expect(await box.run('1')).toBe(1)
})
