import ivm from 'isolated-vm'
import type { Session } from '../contender.ts'
import { DEADLINE_MS, FRESH_SOURCE } from '../work.ts'

export async function open(): Promise<Session> {
  let count = 0
  return {
    async add() {
      const isolate = new ivm.Isolate()
      const context = await isolate.createContext()
      count += (await context.eval(FRESH_SOURCE, { timeout: DEADLINE_MS })) as number
      isolate.dispose()
      return count
    },
    async [Symbol.asyncDispose]() {},
  }
}
