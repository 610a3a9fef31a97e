import { defineConfig } from 'vitest/config'
import { realmSourceForVite } from './scripts/realm-source.ts'

/** Integration tests that look at times or at memory, or need a machine that is theirs: one file at a time. */
const ALONE = [
  'admission',
  'async-code',
  'compile-flood',
  'late-signals',
  'misbehaving-workers',
  'presets',
  'reliability',
  'run-aways',
].map((name) => `test/integration/${name}.test.ts`)

/**
 * Most of what integration tests wait for is processes that start, so three files of theirs and of the security tests, which compute, go at a time. Whatever says `alone` follows, and has the
 * machine to itself.
 */
const project = (
  name: string,
  groupOrder: number,
  maxWorkers: number,
  testTimeout: number,
  files: { include: string[]; exclude?: string[] },
) => ({
  extends: true as const,
  test: { name, maxWorkers, ...files, testTimeout, hookTimeout: testTimeout, sequence: { groupOrder } },
})

export default defineConfig({
  plugins: [realmSourceForVite],
  test: {
    environment: 'node',
    pool: 'forks',
    reporters: ['default', './test/support/summary-reporter.ts'],
    projects: [
      project('unit', 0, 3, 10_000, { include: ['test/unit/**/*.test.ts'] }),
      project('integration', 0, 3, 30_000, { include: ['test/integration/**/*.test.ts'], exclude: ALONE }),
      project('security', 0, 3, 60_000, { include: ['test/security/**/*.test.ts'] }),
      project('fuzz', 0, 3, 60_000, { include: ['test/fuzz/**/*.test.ts'] }),
      project('alone', 1, 1, 30_000, { include: ALONE }),
    ],
  },
})
