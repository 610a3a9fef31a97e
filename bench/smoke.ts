import type { Measured } from './measure.ts'
import type { Row } from './row.ts'

/** All contenders of a row did the same: that each did it right was checked as it ran. */
export function assertEqualWork(row: Row, { counters }: Measured): string {
  const [first] = counters.values()
  for (const [contender, counter] of counters) {
    if (counter !== first)
      throw new Error(`${row.id}: the counter of ${contender.name} is ${counter}, that of ${row.subject.name} is ${first}`)
  }
  return `${row.id}: ${counters.size} contenders, and each counted to ${first}`
}
