import { Tinypool } from 'tinypool'
import type { Contender, Session } from '../contender.ts'
import { COUNTER_SOURCE } from '../work.ts'

export async function open(settings: Contender['settings']): Promise<Session> {
  const { href: filename } = new URL('./pool-task.ts', import.meta.url)
  const pool = new Tinypool({ runtime: 'child_process', filename, minThreads: 1, maxThreads: 1, ...settings })
  return {
    add: () => pool.run(COUNTER_SOURCE),
    [Symbol.asyncDispose]: () => pool.destroy(),
  }
}
