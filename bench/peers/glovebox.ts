import type { Session } from '../contender.ts'
import { COUNTER_SOURCE } from '../work.ts'
import { embedded } from './embedded.ts'

export async function open(): Promise<Session> {
  const box = await embedded()
  const context = await box.createContext({ x: 0 })
  return {
    add: () => context.run(COUNTER_SOURCE),
    [Symbol.asyncDispose]: () => box.dispose(),
  }
}
