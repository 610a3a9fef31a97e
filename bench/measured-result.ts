import { compare, type RowResult } from './compare.ts'
import { measure, measuredPlan, quickPlan } from './measure.ts'
import type { Row } from './row.ts'

/** Measures a row, and says on a terminal how far it is. */
export async function measuredResult(row: Row, quick: boolean): Promise<RowResult> {
  const plan = quick ? quickPlan(row) : measuredPlan(row)
  const { isTTY } = process.stderr
  const measured = await measure(row, plan, (round) => {
    if (isTTY) process.stderr.write(`\r${row.id} round ${round + 1} of ${plan.rounds}`)
  })
  if (isTTY) process.stderr.write('\r\u001B[K')
  return compare(row, measured)
}
