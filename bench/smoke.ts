import type { Contender, Open } from './contender.ts'
import { Driver } from './driver.ts'
import type { Row } from './row.ts'
import type { Slice } from './slice.ts'
import { runSlice } from './slice.ts'
import { Tally } from './tally.ts'

/** Enough to see that the work is done. */
const RUNS = 200

/** Has all contenders of a row do its work a few times, and asserts that each did it, and all the same. Says so in a line. */
export async function smoke({ id, inFlight, smokeRuns: runs = RUNS, subject, peers }: Row): Promise<string> {
  const contenders = [subject, ...peers.map(({ contender }) => contender)]
  let first: string | undefined
  for (const contender of contenders) {
    const gives = await workOf(contender, { inFlight, end: { runs } })
    if (contender === subject) first = gives
    if (gives !== first) throw new Error(`${id}: the work of ${contender.name} gives ${gives}, that of ${subject.name} ${first}`)
  }
  return `${id}: ${contenders.length} contenders, and each counted to ${runs}`
}

/** In this process, which is quicker, if it need not be started in a way of its own. */
async function workOf({ nodeFlags, ...contender }: Contender, slice: Slice): Promise<string | undefined> {
  if (nodeFlags !== undefined) {
    await using driver = await Driver.open({ ...contender, nodeFlags })
    await driver.slice(slice)
    return driver.digest
  }
  const { open } = (await import(contender.module.href)) as { readonly open: Open }
  await using session = await open(contender.settings)
  await session.begin?.()
  await runSlice(session, new Tally(), slice)
  await session.end?.()
  return session.digest
}
