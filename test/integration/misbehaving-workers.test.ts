import type { Box } from 'glovebox'
import { describe, expect, test } from 'vitest'
import { type TestDaemon, testDaemon } from '../support/daemons.ts'
import { eventually, rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'
import { gone } from '../support/processes.ts'
import { CONTROL_HELLO, RawClient } from '../support/raw-peer.ts'

checkLeaks()

type Outcome = readonly [type: string, code: string]
const CRASHED: Outcome = ['WorkerCrashError', 'ERR_WORKER_CRASHED']
const BROKE_PROTOCOL: Outcome = ['ProtocolError', 'ERR_PROTOCOL']
const NOT_BOOTED: Outcome = ['ConnectionError', 'ERR_WORKER_BOOT']
const DISCONNECTED: Outcome = ['ConnectionError', 'ERR_CONNECTION']
const TIMED_OUT: Outcome = ['TimeoutError', 'ERR_TIMEOUT']

async function outcomeOf(call: Promise<unknown>): Promise<Outcome> {
  const error = await rejection(call)
  return [error.constructor.name, error.code ?? '']
}

/** Whether the daemon serves, and what the last unplanned death of a worker says. */
async function deathReported(box: Box): Promise<string> {
  const death = await eventually('a reported death', async () => (await box.status()).deaths[0])
  return death.reason ?? `${death.signal ?? `exit code ${death.exitCode}`}: ${death.stderr}`
}

async function end(daemon: TestDaemon, box: Box): Promise<void> {
  const { workers } = await box.status()
  await box.dispose()
  await daemon[Symbol.asyncDispose]()
  await gone(workers.flatMap(({ pid }) => pid ?? []))
}

describe('before it is ready', () => {
  test.each<[worker: string, death: RegExp]>([
    ['exits', /^exit code 9: fixture: no thank you$/],
    ['aborts', /^SIGABRT: /],
    ['babbles', /^broke the protocol: a frame of 1226864495 bytes, over the cap of 16384$/],
    ['announces', /^broke the protocol: a frame of 4294967295 bytes, over the cap of 16384$/],
    ['unknown', /^broke the protocol: there is no message 77 on this link$/],
  ])('%s', async (worker, death) => {
    const daemon = await testDaemon({}, worker)
    const box = await daemon.connect()
    const calls = [box.run('1'), box.createContext(), box.run('1', { fresh: 'process' })].map(outcomeOf)
    expect(await Promise.all(calls)).toEqual([NOT_BOOTED, NOT_BOOTED, NOT_BOOTED])
    expect(await deathReported(box)).toMatch(death)
    expect((await rejection(box.run('1'))).message).toMatch(/^workers do not boot: ./)
    await end(daemon, box)
  })

  test('mute: calls wait, can be aborted, and end with the daemon', async () => {
    const daemon = await testDaemon({}, 'mute')
    const box = await daemon.connect()
    const controller = new AbortController()
    const aborted = rejection(box.run('1', { signal: controller.signal }))
    const waiting = rejection(box.run('1'))
    await eventually('a booting worker', async () => (await box.status()).workers.some(({ state }) => state === 'booting'))
    controller.abort(new Error('enough'))
    expect((await aborted).message).toBe('enough')
    await daemon[Symbol.asyncDispose]()
    expect(['ERR_STOPPING', 'ERR_CONNECTION']).toContain((await waiting).code)
    await box.dispose()
  })
})

describe('when it is ready', () => {
  test.each<[worker: string, outcomes: readonly Outcome[], death: RegExp]>([
    ['ready-twice', [CRASHED], /^broke the protocol: a second ready$/],
    ['impossible-deadline', [CRASHED], /^claims an impossible deadline$/],
    ['nan-deadline', [CRASHED], /^claims an impossible deadline$/],
    ['overdue', [CRASHED], /^did not end a run within 500 ms after its deadline: stuck in native code$/],
    ['closes-pipe', [CRASHED], /^closed its control pipe$/],
    ['forgets-channel', [DISCONNECTED, CRASHED], /^exit code 3: undefined$/],
    ['answers-garbage', [BROKE_PROTOCOL], /^broke the protocol: ./],
    ['answers-huge', [BROKE_PROTOCOL], /^broke the protocol: a frame of 4294967295 bytes, over the cap of 33964032$/],
    ['answers-bad-value', [BROKE_PROTOCOL], /^broke the protocol: ./],
    ['answers-deep', [BROKE_PROTOCOL], /^broke the protocol: ./],
  ])('%s', async (worker, outcomes, death) => {
    const daemon = await testDaemon({}, worker)
    const box = await daemon.connect()
    expect(outcomes).toContainEqual(await outcomeOf(box.run('1')))
    expect(await deathReported(box)).toMatch(death)
    // The daemon serves on, with the next worker.
    expect(outcomes).toContainEqual(await outcomeOf(box.run('1', { fresh: 'process' })))
    await end(daemon, box)
  })

  test.each([
    ['floods', 'floods its control pipe'],
    ['shouts', 'floods standard error'],
  ])('%s: it is ended, and the daemon serves on', async (worker, reason) => {
    const daemon = await testDaemon({ max: 1 }, worker)
    const box = await daemon.connect()
    expect(await outcomeOf(box.run('1', { timeout: 60_000 }))).toEqual(CRASHED)
    expect(await deathReported(box)).toBe(reason)
    await end(daemon, box)
  })

  test('deaf: a worker that reads no commands is ended', async () => {
    const daemon = await testDaemon({ max: 1 }, 'deaf')
    const box = await daemon.connect()
    await using client = new RawClient(daemon.socket)
    await client.answerTo(CONTROL_HELLO, 'welcome')
    const { worker, channel } = await client.answerTo({ type: 'lease', request: 1, purpose: 'run', known: [], waitMs: 1_000 }, 'leased')
    // Each is a command to the worker.
    for (let run = 0; run < 100_000; run++) client.tell({ type: 'interrupt', worker, channel, run })
    expect(await client.answer(2)).toMatchObject({
      type: 'lost',
      worker,
      report: { signal: 'SIGKILL', reason: 'does not read its commands' },
    })
    expect(await deathReported(box)).toBe('does not read its commands')
    await end(daemon, box)
  })

  test.concurrent.each<[worker: string, outcomes: readonly Outcome[]]>([
    ['answers-never', [TIMED_OUT]],
    ['answers-others', [TIMED_OUT]],
    ['hangs-up', [DISCONNECTED]],
    ['welcomes-never', [DISCONNECTED]],
    ['no-accept', [DISCONNECTED]],
    ['answers-strange-code', [BROKE_PROTOCOL]],
  ])('%s: the call ends', async (worker, outcomes) => {
    const daemon = await testDaemon({}, worker)
    const box = await daemon.connect()
    const startedMs = performance.now()
    expect(outcomes).toContainEqual(await outcomeOf(box.run('1', { timeout: 100 })))
    expect(performance.now() - startedMs).toBeLessThan(100 + 500 + 5_000 + 2_000)
    expect((await box.status()).daemon.clients).toBe(1)
    await end(daemon, box)
  })

  test('answers-twice: the first answer counts', async () => {
    const daemon = await testDaemon({}, 'answers-twice')
    const box = await daemon.connect()
    expect([await box.run('1'), await box.run('2')]).toEqual(['first', 'first'])
    await end(daemon, box)
  })
})
