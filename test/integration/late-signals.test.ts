import { type ChildProcess, spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestDaemon, testDaemon } from '../support/daemons.ts'
import { rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'

/** Long enough for a hundred run-aways and more. */
const FOR_MS = 5_000
const HOG = `const until = Date.now() + 60_000; while (Date.now() < until);`

checkLeaks()
let daemon: TestDaemon
const hogs: ChildProcess[] = []

beforeAll(async () => {
  daemon = await testDaemon({ max: 1 })
  // On a machine that is busy a signal is on its way for milliseconds, not for microseconds.
  for (let i = 0; i < 2 * availableParallelism(); i++) hogs.push(spawn(process.execPath, ['-e', HOG], { stdio: 'ignore' }))
})
afterAll(async () => {
  for (const hog of hogs) hog.kill('SIGKILL')
  await daemon[Symbol.asyncDispose]()
})

test('the signal that ends one run never ends another, and none is lost', async () => {
  await using box = await daemon.connect()
  await using aside = await box.createContext()
  const ended = new Map<string | undefined, number>()
  const until = performance.now() + FOR_MS
  while (performance.now() < until) {
    // In a new one the functions that wait for the signal get hot, and are optimized, while they wait.
    await using ctx = await box.createContext({ large: (length: number) => ({ text: 'x'.repeat(length) }), caught: [] })
    for (const source of [
      'for (;;);',
      ...Array.from({ length: 4 }, () => 'for (;;) caught[0] = large(3000 + (caught.length++ % 2) * 1e5)'),
    ]) {
      const { code } = await rejection(ctx.run(source, { timeout: 4 }))
      ended.set(code, (ended.get(code) ?? 0) + 1)
      for (let k = 0; k < 3; k++) expect(await aside.run('for (var i = 0; i < 1e4; i++); i')).toBe(10_000)
    }
  }
  expect([...ended.keys()]).toEqual(['ERR_TIMEOUT'])
  expect((await box.status()).deaths).toEqual([])
})
