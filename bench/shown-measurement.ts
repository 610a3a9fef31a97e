import { type Measured, measure, type Plan } from './measure.ts'
import type { Row } from './row.ts'

/** Measures a row, and says on a terminal how far it is. */
export async function measureShown(row: Row, plan: Plan): Promise<Measured> {
  const { isTTY } = process.stderr
  const measured = await measure(row, plan, (round) => {
    if (isTTY) process.stderr.write(`\r${row.id} round ${round + 1} of ${plan.rounds}`)
  })
  if (isTTY) process.stderr.write('\r\u001B[K')
  return measured
}
