import { setTimeout as sleep } from 'node:timers/promises'
import type { Session } from '../contender.ts'
import { residentBytes } from '../resident.ts'
import { FRESH_SOURCE, IDLE_MS } from '../work.ts'
import { embedded } from './embedded.ts'

/** How often to look for a new spare, in milliseconds. */
const LOOK_MS = 5

/** A spare worker, with the contexts that it keeps ready. Each run uses one up, so that each slice looks at another. */
export async function open(): Promise<Session> {
  const box = await embedded()
  let count = 0
  const spare = async (): Promise<number> => {
    for (;;) {
      const { workers } = await box.status()
      const [worker, ...others] = workers
      if (others.length === 0 && worker?.state === 'spare' && worker.pid !== undefined) return worker.pid
      await sleep(LOOK_MS)
    }
  }
  return {
    async add() {
      const one = (await box.run(FRESH_SOURCE, { fresh: 'process' })) as number
      return (count += one)
    },
    async kilobytes() {
      const pid = await spare()
      await sleep(IDLE_MS)
      return residentBytes(pid, 'all') / 1_000
    },
    [Symbol.asyncDispose]: () => box.dispose(),
  }
}
