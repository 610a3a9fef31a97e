import { bound, cellsOf, number, verdict } from '../cells.ts'
import { describedText, type Machine } from '../machine.ts'
import { curveCells } from '../scale/curve-table.ts'
import { curveFile, type StoredCurve } from '../scale/stored-curves.ts'
import { chartFile, familiesOf, type Family } from './families.ts'
import { heldTargets } from './held-targets.ts'
import type { StoredResult } from './results.ts'

const ABOUT = `<!-- Made by \`node bench/main.ts report\` from the files in results/. Measure again to change figures, and bench/report/page.ts to change words. -->

Glovebox beside what it can be compared with, and beside the floor: what two processes need to exchange the same bytes, or Node to start. Every figure of a row comes from one run: each contender has a process of its own, and short slices of all of them alternate, so that whatever else the machine does hits all alike. Every answer is checked, and all contenders of a row do the same work.
Glovebox is measured as shipped, with its default limits and every layer of confinement that the machine allows. A **ratio** is Glovebox's figure divided by that line's, round by round; the table has the median over all rounds, and where the middle half of them lies. A **target** is a bound of the ratio, or, in the first line, of Glovebox's own figure.`

const HOW = `\`\`\`sh norun: measures for minutes, and wants a machine that is quiet
npm run bench                      # every row: this page, its charts, and results/
npm run bench -- P2                # one row, or P7 for P7-1K and its like
npm run bench -- P2 --write        # and puts it into this page
npm run bench -- scale --write     # the curves: minutes more
npm run bench -- --compare main    # this checkout beside a commit, or beside a folder with one that is built
node bench/main.ts report          # this page again, from results/
\`\`\``

/** All that was measured, as Markdown. */
export function pageOf(results: readonly StoredResult[], curves: readonly StoredCurve[]): string {
  const families = familiesOf(results)
  return `${[
    '# Benchmark',
    ABOUT,
    '![Runs a second beside others, and the tightest target of each group](main.svg)',
    '## Measure it yourself',
    HOW,
    '## Targets',
    targetTable(results),
    ...families.flatMap(familySection),
    ...(curves.length === 0 ? [] : ['## Scale', ...curves.flatMap(curveSection)]),
    '## The machine',
    machineSection([...results, ...curves]),
  ].join('\n\n')}\n`
}

function targetTable(results: readonly StoredResult[]): string {
  const lines = heldTargets(results).map(({ row, line, target, figure }) => [
    `[${row.id}](#${anchorOf(row)})`,
    row.title,
    line.ratio === undefined ? `${line.contender}, itself` : line.contender,
    number(figure),
    bound(target),
    verdict(line.met),
  ])
  return table(['row', 'work', 'beside', 'ratio', 'target', ''], ['left', 'left', 'left', 'right', 'right', 'left'], lines)
}

function familySection(family: Family): readonly string[] {
  const { name, title, results } = family
  return [`## ${name}: ${title}`, `![${name}: ${title}](${chartFile(family)})`, ...results.flatMap(rowSection)]
}

function rowSection(row: StoredResult): readonly string[] {
  const { head, aligns, lines, note } = cellsOf(row)
  return [
    `### ${row.id}`,
    `${row.title}.`,
    table(head, aligns, lines),
    `${note}. Measured ${row.date.slice(0, 10)} at \`${row.commit}\`: \`${row.command}\`.`,
  ]
}

function curveSection(curve: StoredCurve): readonly string[] {
  const { title, setup, date, commit, command } = curve
  const { head, lines } = curveCells(curve)
  return [
    `### Number of ${title}`,
    `![Latency and throughput by number of ${title}](${curveFile(curve)})`,
    `${setup[0]?.toUpperCase()}${setup.slice(1)}.`,
    table(
      head,
      head.map(() => 'right'),
      lines,
    ),
    `Measured ${date.slice(0, 10)} at \`${commit}\`: \`${command}\`.`,
  ]
}

/** As GitHub makes it of the heading. */
function anchorOf({ id }: StoredResult): string {
  return id.toLowerCase()
}

/** One paragraph for each that rows were measured on. */
function machineSection(results: readonly Pick<StoredResult, 'id' | 'machine'>[]): string {
  const machines = Map.groupBy(results, ({ machine }) => describedText(machine))
  return [...machines]
    .map(
      ([text, rows]) =>
        `${machines.size === 1 ? '' : `${rows.map(({ id }) => id).join(', ')}: `}${text.replaceAll('\n', '. ')}. ${loads(rows.map(({ machine }) => machine))}`,
    )
    .join('\n\n')
}

function loads(machines: readonly Machine[]): string {
  return `Load before the rows were measured: at most ${Math.max(...machines.map(({ load }) => load))}.`
}

function table(head: readonly string[], aligns: readonly ('left' | 'right')[], lines: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(aligns.map((align) => (align === 'left' ? ':--' : '--:'))), ...lines.map(line)].join('\n')
}
