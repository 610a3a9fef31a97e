import type { Contender, Session } from '../contender.ts'
import { embedded } from './embedded.ts'

/** Calls that a guest makes in one run: many, so that the run itself does not show; few, because those that nobody waits for at the end of a slice are answered at once in the next. */
const CALLS = 50

/** The guest calls a function of this process again and again; each call is one piece of work. Synchronous, or with `async` in the settings asynchronous. */
export async function open(settings: Contender['settings']): Promise<Session> {
  const box = await embedded()
  const waiting: ((counter: number) => void)[] = []
  const early: number[] = []
  const called = (counter: number): number => {
    const resolve = waiting.shift()
    if (resolve === undefined) early.push(counter)
    else resolve(counter)
    return counter
  }
  const isAsync = settings?.['async'] === true
  const context = await box.createContext({ x: 0, host: isAsync ? async (counter: number) => called(counter) : called })
  const source = isAsync
    ? `(async () => { for (let i = 0; i < ${CALLS}; i++) await host(++x) })()`
    : `for (let i = 0; i < ${CALLS}; i++) host(++x); x`
  let runs = Promise.resolve()
  /** Calls of the run under way that nobody has asked for yet. */
  let left = 0
  return {
    async add() {
      const starts = left === 0
      left = starts ? CALLS - 1 : left - 1
      const counter = early.shift()
      if (counter !== undefined) return counter
      const { promise, resolve } = Promise.withResolvers<number>()
      waiting.push(resolve)
      if (starts) runs = runs.then(async () => void (await context.run(source)))
      return promise
    },
    async [Symbol.asyncDispose]() {
      await runs
      await box.dispose()
    },
  }
}
