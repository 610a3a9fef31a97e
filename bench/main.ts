import { writeFileSync } from 'node:fs'
import { openBase } from './builds/base.ts'
import { compareBuilds, type Difference } from './builds/compare-builds.ts'
import { differencesTable } from './builds/differences-table.ts'
import { compare } from './compare.ts'
import { describeMachine, machineText } from './machine.ts'
import { measuredPlan, quickPlan } from './measure.ts'
import { type MeasureOptions, readOptions } from './options.ts'
import { profile } from './profile/profile.ts'
import { profileTable } from './profile/profile-table.ts'
import { provenance } from './report/provenance.ts'
import { writeReport } from './report/report.ts'
import { type StoredResult, writeResult } from './report/results.ts'
import type { Row } from './row.ts'
import { rows as known } from './rows/all.ts'
import { curveTable } from './scale/curve-table.ts'
import { curves } from './scale/curves.ts'
import { measureCurve } from './scale/measure-curve.ts'
import { writeCurve } from './scale/stored-curves.ts'
import { measureShown } from './shown-measurement.ts'
import { smoke } from './smoke.ts'
import { tableOf } from './table.ts'

const ids = known.map(({ id }) => id)

async function measureAll({ rows, asked, quick, json, into }: MeasureOptions): Promise<void> {
  const machine = await describeMachine()
  const source = provenance(asked)
  console.log(machineText(machine))
  const results: StoredResult[] = []
  for (const row of rows) {
    const date = new Date().toISOString()
    const result = { ...compare(row, await measureShown(row, quick ? quickPlan(row) : measuredPlan(row))), date, ...source, machine }
    console.log(`\n${tableOf(result)}`)
    results.push(result)
    // Each when it is there: the rows before one that fails are not lost.
    if (into !== undefined) writeResult(into, result)
  }
  if (json !== undefined) writeFileSync(json, `${JSON.stringify({ machine, results }, undefined, 2)}\n`)
  if (into !== undefined) report(into)
}

function report(into: string): void {
  console.log(`\nwritten to ${into}: ${writeReport(into, ids).join(', ')}`)
}

async function scaleAll(quick: boolean, into: string | undefined): Promise<void> {
  const machine = await describeMachine()
  const source = provenance(['scale'])
  console.log(machineText(machine))
  for (const curve of curves) {
    const { id, title, setup } = curve
    const date = new Date().toISOString()
    const points = await measureCurve(curve, quick)
    console.log(`\n${curveTable({ title, setup, points })}`)
    if (into !== undefined) writeCurve(into, { id, title, setup, date, ...source, machine, points })
  }
  if (into !== undefined) report(into)
}

async function profileAll(quick: boolean): Promise<void> {
  console.log(machineText(await describeMachine()))
  for await (const each of profile(quick)) console.log(`\n${profileTable(each)}`)
}

async function compareAll(rows: readonly Row[], baseName: string, quick: boolean): Promise<void> {
  using base = openBase(baseName)
  console.log(machineText(await describeMachine()))
  const differences: Difference[] = []
  for (const row of rows) differences.push(...(await compareBuilds(row, base, quick)))
  console.log(`\n${differencesTable(base.name, differences)}`)
  if (!quick && differences.some(({ counts, verdict }) => counts && verdict === 'worse')) process.exitCode = 1
}

async function main(args: readonly string[]): Promise<void> {
  // The daemon to be measured is the one of this build, here and in the processes of the contenders.
  delete process.env['GLOVEBOX_SOCKET']
  delete process.env['XDG_RUNTIME_DIR']
  const options = readOptions(args, known)
  switch (options.command) {
    case 'smoke':
      for (const row of options.rows.filter(({ smokeRuns }) => smokeRuns !== 0)) console.log(await smoke(row))
      return
    case 'report':
      report(options.into)
      return
    case 'scale':
      await scaleAll(options.quick, options.into)
      return
    case 'profile':
      await profileAll(options.quick)
      return
    case 'compare':
      await compareAll(options.rows, options.base, options.quick)
      return
    case 'measure':
      await measureAll(options)
  }
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
