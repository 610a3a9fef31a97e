import { expect, test } from 'vitest'
import { glovebox } from '../support/command.ts'
import { temporaryDirectory } from '../support/daemons.ts'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()

test('bench measures, with a daemon of its own', async () => {
  using directory = temporaryDirectory()
  const env = { XDG_RUNTIME_DIR: directory.path, TMPDIR: directory.path }
  const { stdout, stderr, code } = await glovebox(['bench', '--seconds', '1', '--json'], env).ended
  expect([stderr, code]).toEqual(['', 0])
  const { base, rows } = JSON.parse(stdout)
  expect(rows).toHaveLength(6)
  for (const row of rows) {
    expect(row.minUs).toBeLessThanOrEqual(row.medianUs)
    expect(row.medianUs).toBeLessThanOrEqual(row.maxUs)
    expect(row.ratio).toBeGreaterThan(0)
  }
  expect(rows.find(({ name }: { name: string }) => name === base).ratio).toBe(1)
})
