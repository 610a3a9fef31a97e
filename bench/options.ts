import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Row } from './row.ts'

const USAGE = `npm run bench -- [ROW ...] [--write] [--json FILE] [--quick] [--smoke]
npm run bench -- [ROW ...] --compare BASE
npm run bench -- scale [--write] [--quick]
npm run bench -- profile [--quick]
node bench/main.ts report

  ROW          such as P1, or P7 for P7-1K and its like; all of them if none is given
  scale        measures how latency and throughput change with the number of clients, contexts, bytes and workers
  profile      shows what a run costs client, daemon and worker: processor time, memory of the client's heap, and system calls, if there is strace
  report       makes the page and the charts again of the results that are there
  --compare BASE  measures this build beside another one: BASE is a folder with a built Glovebox, or a commit, which is built for it;
               P1, P2 and P3 if no row is given; the exit code is 1 if what a row is about is worse
  --write      puts the figures into docs/bench/results, and makes the page and the charts again; all rows do without being told
  --into DIR   writes there, and reads there what other rows came to, instead of docs/bench
  --json FILE  writes the figures there as well
  --quick      does everything in seconds; the figures mean nothing
  --smoke      checks in seconds that all contenders do the same work, without figures`

/** What readers see. */
const PAGES = fileURLToPath(new URL('../docs/bench', import.meta.url))

/** What two builds are compared by if nobody says. */
const COMPARED: ReadonlySet<string> = new Set(['P1', 'P2', 'P3'])

export type BenchOptions =
  | { readonly command: 'smoke'; readonly rows: readonly Row[] }
  | { readonly command: 'report'; readonly into: string }
  | { readonly command: 'profile'; readonly quick: boolean }
  | { readonly command: 'scale'; readonly quick: boolean; readonly into: string | undefined }
  | { readonly command: 'compare'; readonly rows: readonly Row[]; readonly base: string; readonly quick: boolean }
  | MeasureOptions

export interface MeasureOptions {
  readonly command: 'measure'
  readonly rows: readonly Row[]
  /** As they were asked for: none is all. */
  readonly asked: readonly string[]
  readonly quick: boolean
  readonly json: string | undefined
  /** Where results and page go, if anywhere. */
  readonly into: string | undefined
}

export function readOptions(args: readonly string[], known: readonly Row[]): BenchOptions {
  const { values, positionals } = parse(args)
  const { smoke, quick, write, json, into = PAGES, compare: base } = values
  if (quick && write && into === PAGES)
    throw new Error(`--quick gives figures that mean nothing: say with --into where to write them\n\n${USAGE}`)
  const [command] = positionals
  if (command === 'report' || command === 'scale' || command === 'profile') {
    if (positionals.length > 1) throw new Error(`${command} takes no rows\n\n${USAGE}`)
    if (command === 'profile') {
      if (write || json !== undefined || values.into !== undefined) throw new Error(`profile writes no files\n\n${USAGE}`)
      return { command, quick }
    }
    return command === 'report' ? { command, into } : { command, quick, into: write ? into : undefined }
  }
  if (base !== undefined) {
    if (write || smoke || json !== undefined || values.into !== undefined)
      throw new Error(`--compare goes with rows and --quick only\n\n${USAGE}`)
    return {
      command: 'compare',
      rows: positionals.length === 0 ? known.filter(({ id }) => COMPARED.has(id)) : rowsOf(positionals, known),
      base,
      quick,
    }
  }
  const rows = rowsOf(positionals, known)
  if (smoke) return { command: 'smoke', rows }
  const isWritten = write || (positionals.length === 0 && !quick)
  return { command: 'measure', rows, asked: positionals, quick, json, into: isWritten ? into : undefined }
}

function rowsOf(names: readonly string[], known: readonly Row[]): readonly Row[] {
  if (names.length === 0) return known
  return names.flatMap((name) => {
    const id = name.toUpperCase()
    const found = known.filter((row) => row.id === id || row.id.startsWith(`${id}-`))
    if (found.length === 0) throw new Error(`there is no row '${name}': known are ${known.map(({ id }) => id).join(', ')}\n\n${USAGE}`)
    return found
  })
}

const OPTIONS = {
  json: { type: 'string' },
  compare: { type: 'string' },
  into: { type: 'string' },
  write: { type: 'boolean', default: false },
  quick: { type: 'boolean', default: false },
  smoke: { type: 'boolean', default: false },
} as const

function parse(args: readonly string[]): ReturnType<typeof parseArgs<{ options: typeof OPTIONS; allowPositionals: true }>> {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: OPTIONS })
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`, { cause: error })
  }
}
