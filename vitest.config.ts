import { defineConfig } from 'vitest/config'
import { realmSourceForVite } from './scripts/realm-source.ts'

/** Projects run one after the other. Integration tests also run one file at a time: some measure time and memory. Security tests do not: what they wait for is mostly processes that start. */
const project = (name: string, groupOrder: number, maxWorkers: number, testTimeout: number) => ({
  extends: true as const,
  test: { name, include: [`test/${name}/**/*.test.ts`], maxWorkers, testTimeout, hookTimeout: testTimeout, sequence: { groupOrder } },
})

export default defineConfig({
  plugins: [realmSourceForVite],
  test: {
    environment: 'node',
    pool: 'forks',
    reporters: ['default', './test/support/summary-reporter.ts'],
    projects: [
      project('unit', 0, 2, 10_000),
      project('integration', 1, 1, 30_000),
      project('security', 2, 2, 60_000),
      project('fuzz', 3, 2, 60_000),
    ],
  },
})
