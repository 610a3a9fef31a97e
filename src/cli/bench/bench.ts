import { createContext, runInContext, runInNewContext } from 'node:vm'
import type { Command } from 'commander'
import { type Box, connect } from '../../client/index.ts'
import { addConnectionOptions, type ConnectionFlags, connectOptions } from '../connection-options.ts'
import { Interrupt } from '../interrupted.ts'
import { parseWhole } from '../quantity.ts'
import { Spinner } from '../spinner.ts'
import { formatTable } from '../table.ts'
import { type Contender, type Measured, measureAll } from './measure.ts'

const EXAMPLES = `
Examples:
  glovebox bench                  five seconds, with a daemon for this alone if none is running
  glovebox bench --seconds 30     longer, and steadier
  glovebox bench --json | jq '.rows[] | {name, ratio}'

What is measured is a small script, here and now: no promise, and no comparison of isolation, of which node:vm has none.`

const SECONDS = 5
const SOURCE = 'x += 1'
const TIMEOUT_MS = 1_000
/** Runs that are under way at once, in the row that measures that. */
const IN_FLIGHT = 64

interface BenchFlags extends ConnectionFlags {
  readonly seconds: number
  readonly json?: true
}

export function addBench(program: Command): void {
  const command = program
    .command('bench')
    .description('measure on this machine what a run costs, next to node:vm')
    .option('--seconds <seconds>', 'how long to measure', parseWhole, SECONDS)
    .option('--json', 'print one line of JSON')
  addConnectionOptions(command).addHelpText('after', EXAMPLES).action(bench)
}

async function bench({ seconds, json, ...flags }: BenchFlags): Promise<void> {
  await using box = await connect(connectOptions(flags))
  using interrupt = new Interrupt()
  await using context = await box.createContext({ x: 0 })
  const run = async (): Promise<unknown> => context.run(SOURCE)
  const contenders = [...ofNode(), ...ofGlovebox(box, run)]
  using spinner = new Spinner(process.stderr, 'measuring', json !== true)
  const measured = await measureAll(contenders, Math.max(1, seconds), interrupt.signal)
  spinner.clear()
  const base = measured[contenders.findIndex(({ name }) => name === BASE)]?.medianUs ?? 1
  const rows = contenders.map(({ name }, at) => rowOf(name, measured[at] as Measured, base))
  process.stdout.write(json === true ? `${JSON.stringify({ node: process.versions.node, base: BASE, rows })}\n` : describe(rows))
}

const BASE = 'node:vm, a context that stays, with a timeout'

function ofNode(): readonly Contender[] {
  const context = createContext({ x: 0 })
  const synchronous =
    (once: () => void): Contender['work'] =>
    async (count) => {
      for (let i = 0; i < count; i++) once()
    }
  return [
    { name: 'node:vm, a context that stays', work: synchronous(() => runInContext(SOURCE, context)) },
    { name: BASE, work: synchronous(() => runInContext(SOURCE, context, { timeout: TIMEOUT_MS })) },
    { name: 'node:vm, a context for each run', work: synchronous(() => runInNewContext(SOURCE, { x: 0 })) },
  ]
}

function ofGlovebox(box: Box, run: () => Promise<unknown>): readonly Contender[] {
  const oneByOne =
    (once: () => Promise<unknown>): Contender['work'] =>
    async (count) => {
      for (let i = 0; i < count; i++) await once()
    }
  const atOnce: Contender['work'] = async (count) => {
    for (let left = count; left > 0; left -= IN_FLIGHT) await Promise.all(Array.from({ length: Math.min(left, IN_FLIGHT) }, run))
  }
  return [
    { name: 'glovebox, a context that stays', work: oneByOne(run) },
    { name: `glovebox, the same, ${IN_FLIGHT} at once`, work: atOnce },
    { name: 'glovebox, a context for each run', work: oneByOne(async () => box.run('1 + 1')) },
  ]
}

interface Row extends Measured {
  readonly name: string
  /** How often as long as the base. */
  readonly ratio: number
}

function rowOf(name: string, { medianUs, minUs, maxUs }: Measured, base: number): Row {
  const round = (value: number): number => Number(value.toPrecision(4))
  return { name, medianUs: round(medianUs), minUs: round(minUs), maxUs: round(maxUs), ratio: round(medianUs / base) }
}

function describe(rows: readonly Row[]): string {
  const us = (value: number): string => `${value < 10 ? value.toFixed(1) : Math.round(value)} µs`
  const cells = rows.map(({ name, medianUs, minUs, maxUs, ratio }) => [
    name,
    us(medianUs),
    `${us(minUs)} to ${us(maxUs)}`,
    ratio.toFixed(2),
  ])
  const columns = [
    { title: 'one run' },
    { title: 'median', align: 'right' },
    { title: 'from, to', align: 'right' },
    { title: 'ratio', align: 'right' },
  ] as const
  return `${formatTable(columns, cells)}\n\nratio: to '${BASE}'. Every run of Glovebox has a deadline.\n`
}
