import { expect, test } from 'vitest'
import { clientToWorker } from '../../src/protocol/channel-link.ts'
import { testDaemon } from '../support/daemons.ts'
import { eventually } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'
import { CONTROL_HELLO, RawClient, RawPeer } from '../support/raw-peer.ts'

/** A tenant whose client and whose worker are both its attacker's, and work together: the daemon has no more to do, or to keep, for that. */
checkLeaks()

const lease = (request: number) => ({ type: 'lease', request, purpose: 'run', known: [], waitMs: 5_000 }) as const

test('interrupts without number, of a worker that says that it waits for its client', async () => {
  await using daemon = await testDaemon({ max: 1 }, 'serves-nobody')
  await using raw = new RawClient(daemon.socket)
  await raw.answerTo(CONTROL_HELLO, 'welcome')
  const { path, ticket, worker, channel } = await raw.answerTo(lease(1), 'leased')
  await using peer = new RawPeer(path as string)
  peer.write(clientToWorker.encode({ type: 'hello', minVersion: 1, maxVersion: 1, ticket }))
  await peer.frame(0)
  peer.write(clientToWorker.encode({ type: 'cancel', run: 1 }))
  await raw.answerTo({ type: 'status', request: 2 }, 'status')
  for (let run = 1; run <= 10_000; run++) raw.tell({ type: 'interrupt', worker, channel, run })
  await raw.answerTo({ type: 'status', request: 3 }, 'status')
  const before = process.cpuUsage()
  await new Promise((resolve) => {
    setTimeout(resolve, 500)
  })
  const { user, system } = process.cpuUsage(before)
  expect((user + system) / 1_000).toBeLessThan(200)
})

test('names whose worker says for ever that clients attach, when there are none', async () => {
  await using daemon = await testDaemon({ max: 2, spare: 1 }, 'keeps-names')
  await using box = await daemon.connect()
  {
    await using raw = new RawClient(daemon.socket)
    await raw.answerTo(CONTROL_HELLO, 'welcome')
    await raw.answerTo({ type: 'leaseNamed', request: 1, name: 'kept', mode: 'any', idleMs: 50, known: [], waitMs: 5_000 }, 'leasedNamed')
    expect((await box.status()).names).toHaveLength(1)
  }
  await eventually('its end', async () => (await box.status()).names.length === 0)
})

test('leases whose channels nobody opens', async () => {
  await using daemon = await testDaemon({ max: 1 })
  await using raw = new RawClient(daemon.socket)
  await raw.answerTo(CONTROL_HELLO, 'welcome')
  for (let round = 0; round < 9; round++) {
    const asked = Array.from({ length: 500 }, (_, index) => lease(500 * round + index + 1))
    const answered = raw.frames.length
    raw.tell(...asked)
    await raw.answer(answered + asked.length - 1)
  }
  expect(await raw.answer(4_096)).toMatchObject({ type: 'leased' })
  expect(await raw.answer(4_097)).toMatchObject({ type: 'denied', code: 'ERR_OVERLOADED' })
})
