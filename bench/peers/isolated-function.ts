import isolatedFunction from 'isolated-function'
import type { Session } from '../contender.ts'
import { DEADLINE_MS } from '../work.ts'

/** A process for each call, with Node's permission model and nothing else. The function is prepared once. */
export async function open(): Promise<Session> {
  const work = (): number => {
    let x = 0
    x = (x | 0) + 1
    return x
  }
  // Its types are those of an ECMAScript module, its code is CommonJS.
  const isolate = isolatedFunction as unknown as typeof isolatedFunction.default
  const [run, teardown] = isolate(work, { timeout: DEADLINE_MS })
  let count = 0
  return {
    async add() {
      const { value } = await run()
      return (count += value as number)
    },
    [Symbol.asyncDispose]: teardown,
  }
}
