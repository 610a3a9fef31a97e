import { html } from 'htm/preact'
import { useEffect, useRef } from 'preact/hooks'
import UPlot from 'uplot'

export interface Series {
  readonly label: string
  readonly colour: string
  readonly values: readonly number[]
}

const WIDTH = 560
const HEIGHT = 180

/** Lines over time. */
export function Chart({ title, times, series }: { title: string; times: readonly number[]; series: readonly Series[] }) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<UPlot>(undefined)
  const data = [times, ...series.map(({ values }) => values.map((value) => (Number.isNaN(value) ? null : value)))] as UPlot.AlignedData
  useEffect(() => {
    if (place.current === null) return undefined
    const lines = series.map(({ label, colour }) => ({ label, stroke: colour, width: 2, points: { show: false } }))
    const axis = { stroke: '#8a94a6', grid: { stroke: '#8a94a633', width: 1 } }
    plot.current = new UPlot(
      {
        width: WIDTH,
        height: HEIGHT,
        series: [{}, ...lines],
        axes: [axis, axis],
        cursor: { show: false },
        legend: { live: false },
        scales: { y: { range: (_, __, max) => [0, Math.max(1, max * 1.1)] } },
      },
      data,
      place.current,
    )
    return () => plot.current?.destroy()
  }, [])
  useEffect(() => plot.current?.setData(data))
  return html`<section class="chart"><h2>${title}</h2><div ref=${place}></div></section>`
}
