import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()

const BENCH = fileURLToPath(new URL('../../bench/', import.meta.url))
/** Those that Glovebox is compared with, which `npm run bench` and what runs before the tests install. */
const peersAreThere = existsSync(`${BENCH}node_modules/.package-lock.json`)
/** Says nothing about speed: other tests may have the processors. */
const TIMEOUT_MS = 240_000

test.skipIf(!peersAreThere)(
  'in each row of the benchmark all do the same work',
  async () => {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [`${BENCH}main.ts`, '--smoke'], { timeout: TIMEOUT_MS })
    expect(stderr).toBe('')
    for (const target of ['P1', 'P2', 'P3', 'P4-FIB', 'P4-LIBRARIES', 'P5', 'P6-SYNC', 'P7-1K', 'P8', 'P9', 'P10-CONTEXTS', 'P11', 'P12'])
      expect(stdout).toMatch(new RegExp(`^${target}: \\d+ contenders, and each counted to \\d+$`, 'm'))
  },
  TIMEOUT_MS,
)
