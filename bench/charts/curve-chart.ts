import { number } from '../cells.ts'
import type { StoredCurve } from '../scale/stored-curves.ts'
import { LIGHT } from './palette.ts'
import { FONT, svgOf, WIDTH } from './svg.ts'

/** Pixels. */
const PAD = 16
const TOP = 96
const HEIGHT = 220
const AXIS = 56
const LEFT = 70
/** Between the outermost points and the axes, as a factor. */
const ROOM = 2
/** Between points and the ends of the other axis, where their labels are. */
const LABEL_ROOM = 3
const WIDE = WIDTH / 2 - LEFT - 2 * PAD

/** Latency at the left, throughput at the right, both over what grows. */
export function curveChart({ title, setup, points }: StoredCurve): string {
  const axes = { nameTextStyle: { ...FONT, color: LIGHT.muted }, axisLabel: { ...FONT, color: LIGHT.muted, formatter: short } }
  const lines = { type: 'log', ...axes, splitLine: { lineStyle: { color: LIGHT.line } } }
  const along = {
    ...lines,
    name: title,
    nameLocation: 'middle',
    nameGap: 28,
    axisLabel: { ...axes.axisLabel, showMinLabel: false, showMaxLabel: false },
    min: (points[0]?.at ?? 1) / ROOM,
    max: (points.at(-1)?.at ?? 1) * ROOM,
  }
  const grid = { outerBoundsMode: 'none', top: TOP, height: HEIGHT, width: WIDE }
  const line = (
    name: string,
    at: 0 | 1,
    color: string,
    value: (point: StoredCurve['points'][number]) => number,
    type = 'solid',
  ): object => ({
    name,
    type: 'line',
    xAxisIndex: at,
    yAxisIndex: at,
    symbolSize: 7,
    itemStyle: { color },
    lineStyle: { color, width: 2, type },
    label: {
      show: type === 'solid',
      position: at === 0 ? 'bottom' : 'top',
      formatter: (each: { readonly value: readonly number[] }) => short(each.value[1] ?? 0),
      ...FONT,
    },
    data: points.map((point) => [point.at, value(point)]),
  })
  return svgOf(
    {
      title: [
        { text: `Scale: ${title}`, left: PAD, top: PAD, padding: 0, textStyle: { ...FONT, fontSize: 14, fontWeight: 'bold' } },
        { text: setup, left: PAD, top: PAD + 22, padding: 0, textStyle: { ...FONT, color: LIGHT.muted, fontWeight: 'normal' } },
      ],
      legend: { right: PAD, top: PAD - 4, itemGap: 16, textStyle: FONT, selectedMode: false },
      grid: [
        { ...grid, left: LEFT },
        { ...grid, left: WIDTH / 2 + LEFT },
      ],
      xAxis: [
        { ...along, gridIndex: 0 },
        { ...along, gridIndex: 1 },
      ],
      yAxis: [
        {
          ...lines,
          gridIndex: 0,
          min: powerBelow,
          name: 'µs, one at a time',
          nameGap: 14,
          nameTextStyle: { ...axes.nameTextStyle, align: 'left' },
        },
        {
          ...lines,
          gridIndex: 1,
          max: powerAbove,
          name: 'runs/s, many in flight',
          nameGap: 14,
          nameTextStyle: { ...axes.nameTextStyle, align: 'left' },
        },
      ],
      series: [
        line('p50', 0, LIGHT.ours, ({ p50Us }) => p50Us),
        line('p99', 0, LIGHT.muted, ({ p99Us }) => p99Us, 'dashed'),
        line('runs/s', 1, LIGHT.ours, ({ runsPerSecond }) => runsPerSecond),
      ],
    },
    TOP + HEIGHT + AXIS,
  )
}

/** Round ends of an axis, with room for the labels of points. */
function powerBelow({ min }: { readonly min: number }): number {
  return 10 ** Math.floor(Math.log10(min / LABEL_ROOM))
}

function powerAbove({ max }: { readonly max: number }): number {
  return 10 ** Math.ceil(Math.log10(max * LABEL_ROOM))
}

/** Such as 64k, where k is 1,000, and M a thousand of these. */
function short(value: number): string {
  if (value >= 1e6) return `${trimmed(value / 1e6)}M`
  return value >= 1e4 ? `${trimmed(value / 1e3)}k` : value >= 1_000 ? number(value) : trimmed(value)
}

function trimmed(value: number): string {
  return String(Number(value.toPrecision(3)))
}
