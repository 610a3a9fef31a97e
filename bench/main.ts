import { writeFileSync } from 'node:fs'
import { compare, type RowResult } from './compare.ts'
import { describeMachine, machineText } from './machine.ts'
import { measure, measuredPlan } from './measure.ts'
import { readOptions } from './options.ts'
import { rows as known } from './rows/all.ts'
import { smoke } from './smoke.ts'
import { tableOf } from './table.ts'

function showProgress(id: string, round: number, rounds: number): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${id} round ${round + 1} of ${rounds}`)
}

async function main(): Promise<void> {
  // The daemon to be measured is the one of this build, here and in the processes of the contenders.
  delete process.env['GLOVEBOX_SOCKET']
  delete process.env['XDG_RUNTIME_DIR']
  const { rows, json, smoke: isSmoke } = readOptions(process.argv.slice(2), known)
  if (isSmoke) {
    for (const row of rows.filter(({ smokeRuns }) => smokeRuns !== 0)) console.log(await smoke(row))
    return
  }
  const machine = describeMachine()
  console.log(machineText(machine))
  const results: RowResult[] = []
  for (const row of rows) {
    const plan = measuredPlan(row)
    const result = compare(row, await measure(row, plan, (round) => showProgress(row.id, round, plan.rounds)))
    if (process.stderr.isTTY) process.stderr.write('\r\u001B[K')
    console.log(`\n${tableOf(result)}`)
    results.push(result)
  }
  if (json !== undefined) writeFileSync(json, `${JSON.stringify({ machine, results }, undefined, 2)}\n`)
}

try {
  await main()
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
