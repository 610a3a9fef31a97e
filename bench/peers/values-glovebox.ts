import type { Contender, Session } from '../contender.ts'
import { COUNT_ON, countOf, sampleValue } from '../sample-values.ts'
import { embedded } from './embedded.ts'

/** A value goes into a guest's function as its argument and comes out as its result. */
export async function open(settings: Contender['settings']): Promise<Session> {
  const value = sampleValue(settings)
  const box = await embedded()
  const context = await box.createContext()
  await context.run(`globalThis.countOn = ${COUNT_ON}; 0`)
  let sent = 0
  return {
    async add() {
      value.count = sent++
      return countOf(await context.call('countOn', value), value)
    },
    [Symbol.asyncDispose]: () => box.dispose(),
  }
}
