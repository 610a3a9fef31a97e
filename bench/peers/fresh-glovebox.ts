import type { Session } from '../contender.ts'
import { FRESH_SOURCE } from '../work.ts'
import { embedded } from './embedded.ts'

export async function open(): Promise<Session> {
  const box = await embedded()
  let count = 0
  return {
    add: async () => (count += (await box.run(FRESH_SOURCE)) as number),
    [Symbol.asyncDispose]: () => box.dispose(),
  }
}
