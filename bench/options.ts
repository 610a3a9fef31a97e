import { parseArgs } from 'node:util'
import type { Row } from './row.ts'

const USAGE = `npm run bench -- [ROW ...] [--json FILE] [--smoke]

  ROW          such as P1, or P7 for P7-1K and its like; all of them if none is given
  --json FILE  writes the figures there as well
  --smoke      checks in seconds that all contenders do the same work, without figures`

export interface BenchOptions {
  readonly rows: readonly Row[]
  readonly json: string | undefined
  readonly smoke: boolean
}

export function readOptions(args: readonly string[], known: readonly Row[]): BenchOptions {
  const { values, positionals } = parse(args)
  const rows = positionals.flatMap((name) => {
    const id = name.toUpperCase()
    const found = known.filter((row) => row.id === id || row.id.startsWith(`${id}-`))
    if (found.length === 0) throw new Error(`there is no row '${name}': known are ${known.map(({ id }) => id).join(', ')}\n\n${USAGE}`)
    return found
  })
  return { rows: rows.length === 0 ? known : rows, json: values.json, smoke: values.smoke }
}

const OPTIONS = { json: { type: 'string' }, smoke: { type: 'boolean', default: false } } as const

function parse(args: readonly string[]): ReturnType<typeof parseArgs<{ options: typeof OPTIONS; allowPositionals: true }>> {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: OPTIONS })
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`, { cause: error })
  }
}
