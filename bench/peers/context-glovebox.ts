import { setTimeout as sleep } from 'node:timers/promises'
import type { Contender, Session } from '../contender.ts'
import { embedded } from './embedded.ts'

/** How long a worker needs to make another context with a DOM, and to notice that it has nothing else to do, in milliseconds. */
const REFILL_MS = 60

/** A context of a preset, while the worker has some ready: it has time to make more in between. */
export async function open(settings: Contender['settings']): Promise<Session> {
  const box = await embedded()
  const globals = settings?.['globals'] as 'ecmascript' | 'browser'
  let count = 0
  let last: Awaited<ReturnType<typeof box.createContext>> | undefined
  return {
    async add() {
      last = await box.createContext({}, { globals })
      return ++count
    },
    async rest() {
      await last?.dispose()
      last = undefined
      await sleep(REFILL_MS)
    },
    [Symbol.asyncDispose]: () => box.dispose(),
  }
}
