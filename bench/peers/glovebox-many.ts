import type { Session } from '../contender.ts'
import { embedded } from './embedded.ts'

/** What the target says. */
const INPUTS = 100_000

/** The counter, over many inputs in one message. */
export async function open(): Promise<Session> {
  const box = await embedded()
  const context = await box.createContext({ x: 0 })
  const inputs = Array.from({ length: INPUTS }, (_, index) => index)
  const start = () => context.runMany('(input) => { x = (x|0) + 1; return x }', inputs)
  let outcomes = start()
  return {
    async add() {
      const asked = outcomes
      let next = await asked.next()
      if (next.done === true) {
        // Of those that see the end the first one starts again.
        if (outcomes === asked) outcomes = start()
        next = await outcomes.next()
      }
      return next.value?.status === 'fulfilled' ? next.value.value : next.value?.reason
    },
    async [Symbol.asyncDispose]() {
      await outcomes.return?.()
      await box.dispose()
    },
  }
}
