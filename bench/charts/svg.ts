import { BarChart, LineChart, ScatterChart } from 'echarts/charts'
import { GridComponent, LegendComponent, MarkLineComponent, TitleComponent } from 'echarts/components'
import { type EChartsCoreOption, init, use } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'
import { darkStyle, LIGHT } from './palette.ts'

use([BarChart, LineChart, ScatterChart, GridComponent, LegendComponent, MarkLineComponent, TitleComponent, SVGRenderer])

/** Pixels. Pages scale it down. */
export const WIDTH = 900
/** No name in quotes: the library does not escape them. */
export const FONT = {
  fontFamily: 'system-ui, -apple-system, Segoe UI, Roboto, DejaVu Sans, sans-serif',
  fontSize: 12,
  color: LIGHT.text,
} as const

/** What the library adds for somebody who points at a part. A picture in a page has nobody who does. */
const POINTING = [/<style ?>\s*<!\[CDATA\[[^]*?\]\]>\s*<\/style>/g, / class="[^"]*"/g]

/** A picture that stands alone: without a script, without a browser to make it, and for light and dark pages. */
export function svgOf(option: EChartsCoreOption, height: number): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height })
  try {
    chart.setOption({ backgroundColor: LIGHT.background, textStyle: FONT, animation: false, ...option })
    const svg = POINTING.reduce((text, part) => text.replaceAll(part, ''), chart.renderToSVGString())
    // Not every renderer knows that attribute; all know this one, which comes to the same.
    const centred = svg.replaceAll('dominant-baseline="central"', 'dy="0.35em"')
    return `${centred.replace(/^(<svg[^>]*>)/, `$1\n${darkStyle()}`)}\n`
  } finally {
    chart.dispose()
  }
}
