import { defineConfig } from 'vitest/config'
import { realmSourceForVite } from './scripts/realm-source.ts'

/** Integration tests that look at times or at memory, or need a machine that is theirs: one file at a time. */
const ALONE = [
  'admission',
  'async-code',
  'bad-input',
  'cli-daemon',
  'compile-flood',
  'deaths',
  'guest-functions',
  'host-waits',
  'kills',
  'late-signals',
  'misbehaving-workers',
  'presets',
  'reconnect',
  'reliability',
  'run-aways',
  'web-globals',
].map((name) => `test/integration/${name}.test.ts`)

/** Projects run one after the other; their files two at a time, because what they wait for is mostly processes that start. */
const project = (
  name: string,
  groupOrder: number,
  testTimeout: number,
  files: { include: string[]; exclude?: string[]; maxWorkers?: number },
) => ({
  extends: true as const,
  test: { name, maxWorkers: 2, ...files, testTimeout, hookTimeout: testTimeout, sequence: { groupOrder } },
})

export default defineConfig({
  plugins: [realmSourceForVite],
  test: {
    environment: 'node',
    pool: 'forks',
    reporters: ['default', './test/support/summary-reporter.ts'],
    projects: [
      project('unit', 0, 10_000, { include: ['test/unit/**/*.test.ts'] }),
      project('integration', 1, 30_000, { include: ['test/integration/**/*.test.ts'], exclude: ALONE }),
      project('alone', 2, 30_000, { include: ALONE, maxWorkers: 1 }),
      project('security', 3, 60_000, { include: ['test/security/**/*.test.ts'] }),
      project('fuzz', 4, 60_000, { include: ['test/fuzz/**/*.test.ts'] }),
    ],
  },
})
