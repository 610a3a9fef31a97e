import { setTimeout as sleep } from 'node:timers/promises'
import type { Contender, Session } from '../contender.ts'
import { FRESH_SOURCE } from '../work.ts'
import { embedded } from './embedded.ts'

/** How often to look whether there is a spare again, in milliseconds. */
const LOOK_MS = 5

/** A process for each run. With `rested` in the settings each waits until a spare is ready, outside of what is measured. */
export async function open(settings: Contender['settings']): Promise<Session> {
  const box = await embedded()
  let count = 0
  const rest = async (): Promise<void> => {
    for (;;) {
      const { workers } = await box.status()
      if (workers.length > 0 && workers.every(({ state }) => state === 'spare')) return
      await sleep(LOOK_MS)
    }
  }
  return {
    async add() {
      const one = (await box.run(FRESH_SOURCE, { fresh: 'process' })) as number
      return (count += one)
    },
    ...(settings?.['rested'] === true && { rest }),
    [Symbol.asyncDispose]: () => box.dispose(),
  }
}
