import type { EChartsCoreOption } from 'echarts/core'
import { LIGHT } from './palette.ts'
import { FONT, svgOf, WIDTH } from './svg.ts'

export interface Bar {
  readonly name: string
  readonly value: number
  /** At its end. */
  readonly label: string
  /** In the column at the right. */
  readonly note: string
  readonly tone: 'ours' | 'peer' | 'missed'
  /** Whether the name stands out. */
  readonly isOurs: boolean
  /** Whether the note says that a target does not hold. */
  readonly isMissed: boolean
}

export interface Panel {
  /** Stands out, before the title. */
  readonly id: string
  readonly title: string
  /** What the numbers are, above the notes. */
  readonly noteTitle: string
  readonly bars: readonly Bar[]
  /** The axis has a line here, where bars begin: they point to the right if they are longer, and to the left if not. Default: they begin at the left edge. */
  readonly from?: number
}

/** Pixels. */
const PAD = 16
const HEADING = 26
const TITLE = 46
const BAR = 24
const GAP = 20
const NAMES = 270
const LABELS = 104
const NOTES = 210
/** So that lines do not cross the text. */
const ON_LINES = { backgroundColor: LIGHT.background, padding: 2 }
const HEADLINE = { ...FONT, fontSize: 13, fontWeight: 'normal' } as const
/** Figures that lie further apart than this go on a logarithmic axis. */
const LOG_FROM = 20

/** Charts of horizontal bars, one below the other. */
export function barPanels(panels: readonly Panel[]): string {
  const tops: number[] = []
  let height = PAD
  for (const { bars } of panels) {
    tops.push(height)
    height += TITLE + bars.length * BAR + GAP
  }
  const option: EChartsCoreOption = {
    title: panels.flatMap((panel, at) => {
      const top = tops[at] ?? 0
      // The library takes capital letters for narrower than they are.
      const small = { padding: 0, top: top + HEADING, textStyle: { ...FONT, color: LIGHT.muted, fontWeight: 'normal' } }
      return [
        {
          text: `{id|${panel.id}}${panel.title}`,
          left: PAD,
          top,
          padding: 0,
          textStyle: { ...HEADLINE, rich: { id: { ...HEADLINE, fontWeight: 'bold', padding: [0, 8 + 1.3 * panel.id.length, 0, 0] } } },
        },
        { text: isLogarithmic(panel) ? 'logarithmic: lines are ten times apart' : '', left: NAMES, ...small },
        { text: panel.noteTitle, left: WIDTH - NOTES - PAD, ...small },
      ]
    }),
    grid: panels.map(({ bars }, at) => ({
      // All sizes are given here.
      outerBoundsMode: 'none',
      left: NAMES,
      width: WIDTH - NAMES - LABELS - NOTES - PAD,
      top: (tops[at] ?? 0) + TITLE,
      height: bars.length * BAR,
    })),
    xAxis: panels.map((panel, at) => ({ gridIndex: at, ...valueAxis(panel) })),
    yAxis: panels.flatMap(({ bars }, at) => {
      const names = bars.map(({ name, isOurs }) => ({ value: name, textStyle: isOurs ? { color: LIGHT.ours, fontWeight: 'bold' } : {} }))
      const notes = bars.map(({ note, isMissed }) => ({
        value: note,
        textStyle: isMissed ? { color: LIGHT.missed, fontWeight: 'bold' } : {},
      }))
      return [categories(at, names, 'left', 0), categories(at, notes, 'right', LABELS - 8)]
    }),
    series: panels.map(({ bars }, at) => ({
      type: 'bar',
      xAxisIndex: at,
      yAxisIndex: 2 * at,
      barWidth: BAR - 8,
      data: bars.map(({ value, label, tone, isOurs }) => ({
        value,
        itemStyle: { color: LIGHT[tone] },
        label: { show: true, position: 'right', formatter: () => label, ...FONT, fontWeight: isOurs ? 'bold' : 'normal', ...ON_LINES },
      })),
    })),
  }
  return svgOf(option, height)
}

function isLogarithmic({ bars, from }: Panel): boolean {
  const values = bars.map(({ value }) => value)
  return from !== undefined || Math.max(...values) > Math.min(...values) * LOG_FROM
}

function valueAxis(panel: Panel): object {
  const { bars, from } = panel
  const values = [...bars.map(({ value }) => value), ...(from === undefined ? [] : [from])]
  const max = Math.max(...values)
  const least = Math.min(...values)
  const hidden = { axisLabel: { show: false }, axisLine: { show: false }, axisTick: { show: false } }
  if (!isLogarithmic(panel)) return { type: 'value', min: 0, max, ...hidden, splitLine: { show: false } }
  // At least half a power of ten below the shortest, so that it has a bar, too.
  const min = from === undefined ? 10 ** Math.floor(Math.log10(least / 3)) : least
  const splitLine = { show: true, showMinLine: from === undefined, showMaxLine: false, lineStyle: { color: LIGHT.line } }
  return { type: 'log', min, max, startValue: from ?? min, ...hidden, splitLine }
}

function categories(gridIndex: number, data: readonly object[], position: 'left' | 'right', offset: number): object {
  const hidden = { axisLine: { show: false }, axisTick: { show: false } }
  return { type: 'category', gridIndex, inverse: true, data, position, offset, ...hidden, axisLabel: { ...FONT, interval: 0 } }
}
