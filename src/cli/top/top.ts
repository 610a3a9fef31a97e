import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { styleText } from 'node:util'
import type { Command } from 'commander'
import { type Box, connect } from '../../client/index.ts'
import { addConnectionOptions, type ConnectionFlags, runningDaemon } from '../connection-options.ts'
import { parseWhole } from '../quantity.ts'
import { UsageError } from '../usage-error.ts'
import { type Figures, figuresOf, type Sample } from './figures.ts'
import { frameOf, reportOf } from './frame.ts'
import { Screen } from './screen.ts'
import { INITIAL_VIEW, KEYS, pressed, type ViewState } from './view-state.ts'

const EXAMPLES = `
Examples:
  glovebox top                          the pool as it works, until q
  glovebox top --interval 250           four times a second
  glovebox top --once                   one table, of what happens in a second
  glovebox top --json | jq .runsPerSecond
                                        a line of JSON a second, for programs

Keys: ${KEYS}`

const INTERVAL_MS = 1_000
const MIN_INTERVAL_MS = 50

interface TopFlags extends ConnectionFlags {
  readonly interval: number
  readonly once?: true
  readonly json?: true
}

export function addTop(program: Command): void {
  const command = program
    .command('top')
    .description('watch tenants, workers, their runs, and how they die')
    .option('--interval <ms>', 'how often to look', parseWhole, INTERVAL_MS)
    .option('--once', 'print one table, and end')
    .option('--json', 'print a line of JSON each time')
  addConnectionOptions(command).addHelpText('after', EXAMPLES).action(top)
}

async function top({ interval, once: isOnce, json, ...flags }: TopFlags): Promise<void> {
  if (interval < MIN_INTERVAL_MS) throw new UsageError(`--interval must be ${MIN_INTERVAL_MS} or more, got ${interval}`)
  const isLive = isOnce !== true && json !== true
  if (isLive && !(process.stdin.isTTY && process.stdout.isTTY))
    throw new UsageError('there is no terminal to draw on: use --once, or --json')
  await using box = await connect(runningDaemon(flags))
  if (isLive) {
    await watch(box, interval)
    return
  }
  for await (const figures of intervals(box, interval)) {
    const text = json === true ? JSON.stringify(figures) : reportOf(figures, INITIAL_VIEW).join('\n')
    if (!process.stdout.write(`${text}\n`)) await once(process.stdout, 'drain')
    if (isOnce === true || process.stdout.destroyed) return
  }
}

async function sample(box: Box): Promise<Sample> {
  const status = await box.status()
  return { atMs: performance.now(), status }
}

/** What happens in each interval, until `signal` is aborted. */
async function* intervals(box: Box, intervalMs: number, signal?: AbortSignal): AsyncGenerator<Figures, undefined, undefined> {
  let before = await sample(box)
  for (;;) {
    await wait(intervalMs, undefined, signal === undefined ? {} : { signal })
    const after = await sample(box)
    yield figuresOf(before, after, new Date().toISOString())
    before = after
  }
}

async function watch(box: Box, intervalMs: number): Promise<void> {
  const left = new AbortController()
  let view: ViewState = INITIAL_VIEW
  let figures = figuresOf(await sample(box), await sample(box), new Date().toISOString())
  const leave = (): void => left.abort()
  const draw = (): void => screen.draw(frameOf(figures, view), styleText('dim', KEYS))
  using screen = new Screen((key) => {
    const next = pressed(view, key, figures.workers.length)
    if (next === undefined) {
      leave()
      return
    }
    view = next
    draw()
  }, draw)
  process.once('SIGTERM', leave)
  draw()
  try {
    for await (const found of intervals(box, intervalMs, left.signal)) {
      if (view.isPaused) continue
      figures = found
      draw()
    }
  } catch (error) {
    if (!left.signal.aborted) throw error
  } finally {
    process.off('SIGTERM', leave)
  }
}
