import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { curveChart } from '../charts/curve-chart.ts'
import { familyChart } from '../charts/family-chart.ts'
import { mainChart } from '../charts/main-chart.ts'
import { curveFile, readCurves } from '../scale/stored-curves.ts'
import { chartFile, familiesOf } from './families.ts'
import { pageOf } from './page.ts'
import { readResults } from './results.ts'

/** Makes the page and its charts of the results that lie there. Gives the files that it wrote. */
export function writeReport(into: string, ids: readonly string[]): readonly string[] {
  const results = readResults(into, ids)
  const curves = readCurves(into)
  const files = new Map([
    ['README.md', pageOf(results, curves)],
    ['main.svg', mainChart(results)],
    ...familiesOf(results).map((family) => [chartFile(family), familyChart(family)] as const),
    ...curves.map((curve) => [curveFile(curve), curveChart(curve)] as const),
  ])
  mkdirSync(into, { recursive: true })
  for (const [name, text] of files) writeFileSync(join(into, name), text)
  return [...files.keys()]
}
