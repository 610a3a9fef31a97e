import { fileURLToPath } from 'node:url'
import workerpool from 'workerpool'
import type { Session } from '../contender.ts'
import { COUNTER_SOURCE } from '../work.ts'

/** One process, because the counter lives there. */
export async function open(): Promise<Session> {
  const script = fileURLToPath(new URL('./workerpool-worker.ts', import.meta.url))
  const pool = workerpool.pool(script, { workerType: 'process', minWorkers: 1, maxWorkers: 1 })
  return {
    add: async () => pool.exec('count', [COUNTER_SOURCE]),
    async [Symbol.asyncDispose]() {
      await pool.terminate()
    },
  }
}
