import { fileURLToPath } from 'node:url'
import { Piscina } from 'piscina'
import type { Contender, Session } from '../contender.ts'
import { COUNTER_SOURCE } from '../work.ts'

export async function open(settings: Contender['settings']): Promise<Session> {
  const filename = fileURLToPath(new URL('./pool-task.ts', import.meta.url))
  const pool = new Piscina({ filename, minThreads: 1, maxThreads: 1, recordTiming: false, ...settings })
  return {
    add: () => pool.run(COUNTER_SOURCE),
    [Symbol.asyncDispose]: () => pool.destroy(),
  }
}
