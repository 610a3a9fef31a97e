import { copyFileSync, chmodSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryDirectory, testDaemon } from '../support/daemons.ts'
import { rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'
import { NODE_22 } from '../support/node22.ts'

checkLeaks()

test('workers run on the binary that was named, and status says which', async () => {
  using elsewhere = temporaryDirectory()
  const runtime = join(elsewhere.path, 'another-node')
  copyFileSync(process.execPath, runtime)
  chmodSync(runtime, 0o755)
  await using daemon = await testDaemon({ runtime })
  await using box = await daemon.connect()
  expect(await box.run('6 * 7')).toBe(42)
  const { versions } = await box.status()
  expect(versions).toMatchObject({ node: process.versions.node, v8: process.versions.v8, runtime, ageDays: 0 })
})

test.each([
  [NODE_22, 'workers need Node 26 or later'],
  ['/bin/true', 'is not a Node binary that runs here'],
  ['/nonexistent/node', 'is not a Node binary that runs here'],
])('%s as runtime is refused', async (runtime, message) => {
  const error = await rejection(testDaemon({ runtime }))
  expect(error).toMatchObject({ code: 'ERR_RUNTIME', message: expect.stringContaining(message) as unknown })
})
