import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { resolveConfinement } from '../../dist/daemon/confinement.js'
import { WORKER } from '../../dist/daemon/program.js'
import { rehearse } from '../../dist/daemon/rehearsal.js'
import { OWNER_ONLY } from '../../dist/daemon/tenants/socket-access.js'
import { WorkerProcess } from '../../dist/daemon/worker-process.js'
import { workerToClient } from '../../dist/protocol/channel-link.js'
import { REHEARSAL_CHANNEL } from '../../dist/protocol/worker-link.js'
import { temporaryDirectory, testDaemon } from '../support/daemons.ts'
import { eventually } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()

test('a worker that is nobody’s serves a run that counts as none', async () => {
  using directory = temporaryDirectory()
  const confinement = await resolveConfinement({ level: 'auto', require: [], cgroup: undefined, without: [] }, process.execPath)
  const heard: { readonly type: string; readonly runs?: number; readonly tally?: unknown; readonly channel?: number }[] = []
  const { promise: booted, resolve: ready } = Promise.withResolvers<void>()
  const settings = {
    directory: directory.path,
    access: OWNER_ONLY,
    memoryBytes: 2 ** 26,
    node: process.execPath,
    sandbox: confinement.sandbox,
    confinement,
    program: WORKER,
  }
  await using worker = new WorkerProcess(1, settings, { ready, message: (message) => heard.push(message) })
  await booted
  const rehearsed = worker.rehearse()
  expect([worker.state.type, worker.shownState]).toEqual(['spare', 'booting'])
  expect(await rehearsed).toBe(true)
  expect(worker.shownState).toBe('spare')
  await eventually('its end', () => Promise.resolve(heard.find(({ type }) => type === 'closed')))
  expect(heard.at(-1)).toEqual({ type: 'closed', channel: REHEARSAL_CHANNEL })
  const usage = heard.filter(({ type }) => type === 'usage')
  expect(usage.length).toBeGreaterThan(0)
  for (const { runs, tally } of usage) {
    expect(runs).toBe(0)
    expect(
      Object.values(tally as object)
        .flat()
        .every((count) => count === 0),
    ).toBe(true)
  }
})

test('what was rehearsed is in no figures of the daemon', async () => {
  await using daemon = await testDaemon({ spare: 1 })
  await using box = await daemon.connect()
  await eventually('a spare', async () => (await box.status()).workers.some(({ state }) => state === 'spare'))
  expect((await box.status()).workers).toMatchObject([{ state: 'spare', contexts: 0, runs: 0, handles: 0 }])
  expect(await box.run('1')).toBe(1)
  // A worker tells its counts now and then: there may be a tenant before its run is counted.
  const completed = await eventually('a run', async () => {
    const count = (await box.status()).tenants?.[0]?.runs.completed ?? 0
    return count > 0 && count
  })
  expect(completed).toBe(1)
})

test('a spare that dies of it has not booted: the next ones are started slower and slower', async () => {
  const sinceMs = performance.now()
  await using daemon = await testDaemon({ spare: 1 }, 'dies-of-runs')
  await using box = await daemon.connect()
  const deaths = await eventually('three deaths', async () => {
    const { deaths: seen } = await box.status()
    return seen.length >= 3 ? seen : undefined
  })
  // 100 ms, then 200.
  expect(performance.now() - sinceMs).toBeGreaterThan(200)
  for (const death of deaths) {
    expect(death).toMatchObject({ phase: 'boot', exitCode: 5 })
    expect(death).not.toHaveProperty('channel')
  }
})

test('who comes meanwhile does not wait for it', async () => {
  await using daemon = await testDaemon({ spare: 1, max: 1 }, 'ignores-first')
  await using box = await daemon.connect()
  await eventually('a rehearsal', async () => (await box.status()).workers.some(({ contexts }) => contexts === 1))
  expect(await box.run('1')).toBe('answer')
  expect((await box.status()).workers).toMatchObject([{ state: 'bound' }])
})

test('who floods it is not heard any more', async () => {
  using directory = temporaryDirectory()
  const socketPath = join(directory.path, 'w.sock')
  const welcomes = Buffer.concat(Array.from({ length: 10_000 }, () => workerToClient.encode({ type: 'welcome', version: 1 })))
  const written = Promise.withResolvers<number>()
  const server = createServer((socket) => {
    const flood = (): void => {
      while (!socket.destroyed && socket.write(welcomes));
    }
    socket.on('drain', flood).on('error', () => undefined)
    socket.on('close', () => written.resolve(socket.bytesWritten))
    flood()
  }).listen(socketPath)
  expect(await rehearse({ send: () => undefined, socketPath })).toBe(false)
  server.close()
  // What sockets hold, and what is given to them at once.
  expect(await written.promise).toBeLessThan(2 * 2 ** 20)
})
