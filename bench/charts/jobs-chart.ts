import { number } from '../cells.ts'
import type { StoredResult } from '../report/results.ts'
import { LIGHT } from './palette.ts'
import { FONT, svgOf, WIDTH } from './svg.ts'

/** Pixels. */
const PAD = 16
const TOP = 70
const LINE = 24
const BOTTOM = 40
const NAMES = 150
const NOTES = 210

/** Told apart without colour, too. */
const SYMBOLS = ['circle', 'diamond', 'triangle', 'rect'] as const
/** Times that are nearer than this to the subject's have no label. Those of the first contender are in a column of their own. */
const LABEL_FROM = 1.5

/** Many rows in which the same contenders do different jobs: a line for each, and where on it each contender's time is, beside the subject's. */
export function jobsChart(title: string, results: readonly StoredResult[]): string {
  const contenders = [...new Set(results.flatMap(({ lines }) => lines.slice(1).map(({ contender }) => contender)))]
  const ours = results[0]?.lines[0]?.contender ?? ''
  const [first = ''] = contenders
  const rows = results.map(({ id }) => id.slice(id.indexOf('-') + 1).toLowerCase())
  const besideFirst = results.map(({ lines }) => lines.find(({ contender }) => contender === first))
  const height = TOP + results.length * LINE + BOTTOM
  const grid = { outerBoundsMode: 'none', left: NAMES, right: NOTES, top: TOP, height: results.length * LINE }
  const category = { type: 'category', inverse: true, axisLine: { show: false }, axisTick: { show: false } }
  return svgOf(
    {
      title: [
        { text: title, left: PAD, top: PAD, padding: 0, textStyle: { ...FONT, fontSize: 14, fontWeight: 'bold' } },
        {
          text: `${ours} ÷ ${first}`,
          left: WIDTH - NOTES + PAD,
          top: TOP - 22,
          padding: 0,
          textStyle: { ...FONT, color: LIGHT.muted, fontWeight: 'normal' },
        },
      ],
      legend: { left: PAD, top: PAD + 22, itemGap: 20, itemWidth: 12, itemHeight: 12, textStyle: FONT, selectedMode: false },
      grid,
      xAxis: {
        type: 'log',
        name: `time beside ${ours}, as a multiple`,
        nameLocation: 'middle',
        nameGap: 26,
        nameTextStyle: { ...FONT, color: LIGHT.muted },
        axisLabel: { ...FONT, color: LIGHT.muted, formatter: (value: number) => `${value}×` },
        splitLine: { lineStyle: { color: LIGHT.line } },
      },
      yAxis: [
        {
          ...category,
          data: rows,
          axisLabel: { ...FONT, interval: 0 },
          splitLine: { show: true, lineStyle: { color: LIGHT.line, opacity: 0.5 } },
        },
        {
          ...category,
          position: 'right',
          data: besideFirst.map((line) => ({
            value: line?.ratio === undefined ? '' : `${number(line.ratio.median)}${line.met === false ? ', not met' : ''}`,
            textStyle: line?.met === false ? { color: LIGHT.missed, fontWeight: 'bold' } : {},
          })),
          axisLabel: { ...FONT, interval: 0, margin: PAD },
        },
      ],
      series: [
        {
          name: ours,
          type: 'scatter',
          symbol: 'rect',
          symbolSize: [4, LINE - 6],
          itemStyle: { color: LIGHT.ours },
          data: rows.map((row) => [1, row]),
          z: 1,
        },
        ...contenders.map((name, at) => ({
          name,
          type: 'scatter',
          symbol: SYMBOLS[at % SYMBOLS.length],
          symbolSize: 11,
          itemStyle: { color: at === 0 ? LIGHT.text : LIGHT.muted, opacity: 0.85 },
          data: results.flatMap(({ lines }, row) => {
            const ratio = lines.find(({ contender }) => contender === name)?.ratio?.median
            if (ratio === undefined) return []
            const times = 1 / ratio
            return [
              {
                value: [times, rows[row]],
                label: { show: at > 0 && times >= LABEL_FROM, position: 'right', formatter: () => `${number(times)}×`, ...FONT },
              },
            ]
          }),
          z: 2,
        })),
      ],
    },
    height,
  )
}
