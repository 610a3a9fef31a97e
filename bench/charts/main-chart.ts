import { bound, number } from '../cells.ts'
import { familiesOf } from '../report/families.ts'
import { tightest } from '../report/held-targets.ts'
import type { StoredResult } from '../report/results.ts'
import { type Bar, barPanels, type Panel } from './bar-panels.ts'
import { amount, panelOf } from './family-chart.ts'

/** The row that says most in one picture: the same work in every contender. */
const BESIDE_OTHERS = 'P2'

/** The summary: work done beside others, and how far on the good side of its target each group is at its weakest. */
export function mainChart(results: readonly StoredResult[]): string {
  const beside = results.find(({ id }) => id === BESIDE_OTHERS)
  const bars = headroomBars(results)
  const headroom: Panel = {
    id: 'Targets',
    title: 'the tightest of each group, and how many times better it is than it must be',
    noteTitle: 'measured, target',
    bars,
    from: 1,
  }
  return barPanels([...(beside === undefined ? [] : [panelOf(beside)]), ...(bars.length === 0 ? [] : [headroom])])
}

function headroomBars(results: readonly StoredResult[]): readonly Bar[] {
  return familiesOf(results).flatMap(({ name, title, results: members }) => {
    const least = tightest(members)
    if (least === undefined) return []
    const { headroom, figure, target, row, line } = least
    return [
      {
        name: `${name}  ${title}`,
        value: headroom,
        label: `${number(headroom)}×`,
        note: `${line.ratio === undefined ? amount(row.metric, figure) : number(figure)}, target ${bound(target)}`,
        tone: headroom >= 1 ? ('ours' as const) : ('missed' as const),
        isOurs: false,
        isMissed: headroom < 1,
      },
    ]
  })
}
