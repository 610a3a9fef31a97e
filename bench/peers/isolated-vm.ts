import ivm from 'isolated-vm'
import type { Session } from '../contender.ts'
import { COUNTER_SOURCE, DEADLINE_MS } from '../work.ts'

export async function open(): Promise<Session> {
  const isolate = new ivm.Isolate()
  const context = await isolate.createContext()
  await context.global.set('x', 0)
  return {
    add: () => context.eval(COUNTER_SOURCE, { timeout: DEADLINE_MS }),
    async [Symbol.asyncDispose]() {
      isolate.dispose()
    },
  }
}
