import { createHash } from 'node:crypto'
import { type Compute, computeOf } from '../compute.ts'
import type { Contender, Session } from '../contender.ts'

/** A session that has the work of P4 computed by `evaluate`, which runs a script at the top level of where guests run. */
export async function computing(
  settings: Contender['settings'],
  evaluate: (source: string) => unknown,
  dispose: () => Promise<void>,
): Promise<Session> {
  const { setup, source, result }: Compute = await computeOf(settings)
  for (const script of setup) await evaluate(script)
  const first = await evaluate(source)
  if (typeof first !== 'number') throw new Error(`the work gave ${String(first)} instead of a number`)
  let count = 0
  const counted = (given: unknown): number => {
    if (given !== first) throw new Error(`the work gave ${first} once, and ${String(given)} now`)
    return ++count
  }
  return {
    digest: createHash('sha256')
      .update(String(await evaluate(result)))
      .digest('hex'),
    add() {
      const given = evaluate(source)
      return given instanceof Promise ? given.then(counted) : counted(given)
    },
    [Symbol.asyncDispose]: dispose,
  }
}
