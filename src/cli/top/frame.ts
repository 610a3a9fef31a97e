import { styleText } from 'node:util'
import { printable } from '../printable.ts'
import { formatBytes, formatMs } from '../quantity.ts'
import { type Column, formatTable } from '../table.ts'
import { cpuOfMinute, stateOf } from '../tenant-figures.ts'
import { type Figures, memoryOf, type WorkerFigures } from './figures.ts'
import type { Sort, ViewState } from './view-state.ts'

const TENANT_COLUMNS: readonly Column[] = [
  { title: 'tenant' },
  { title: 'workers', align: 'right' },
  { title: 'contexts', align: 'right' },
  { title: 'runs/s', align: 'right' },
  { title: 'failed/s', align: 'right' },
  { title: 'p50', align: 'right' },
  { title: 'p99', align: 'right' },
  { title: 'cpu', align: 'right' },
  { title: 'in a minute', align: 'right' },
  { title: 'memory', align: 'right' },
]
const WORKER_COLUMNS: readonly Column[] = [
  { title: ' ' },
  { title: 'worker', align: 'right' },
  { title: 'pid', align: 'right' },
  { title: 'state' },
  { title: 'tenant' },
  { title: 'contexts', align: 'right' },
  { title: 'runs/s', align: 'right' },
  { title: 'cpu', align: 'right' },
  { title: 'memory', align: 'right' },
]
const DEATH_COLUMNS: readonly Column[] = [{ title: 'worker', align: 'right' }, { title: 'cause' }, { title: 'how' }, { title: 'why' }]
const SHOWN_DEATHS = 5

const percent = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} %`
const rate = (value: number): string => value.toFixed(value < 10 ? 1 : 0)
/** Short runs are the usual ones. */
const duration = (ms: number | undefined): string => (ms === undefined ? '-' : ms < 10 ? `${ms.toFixed(2)} ms` : formatMs(ms))
const named = (text: string | undefined): string => printable(text ?? '-', false)
const bold = (text: string): string => styleText('bold', text)

/** Everything that there is to see, as lines. Names are others' choice, and harmless here. */
export function frameOf(figures: Figures, view: ViewState): readonly string[] {
  const workers = sorted(figures.workers, view)
  const chosen = workers[Math.min(view.row, workers.length - 1)]
  if (view.isOpen && chosen !== undefined) return [...headOf(figures, view), '', ...lookInto(chosen, figures)]
  return [...headOf(figures, view), ...tables(figures, workers, chosen)]
}

/** The same without anything to choose: for `--once`. */
export function reportOf(figures: Figures, view: ViewState): readonly string[] {
  return [...headOf(figures, undefined), ...tables(figures, sorted(figures.workers, view), undefined)]
}

function headOf({ daemon, workers, maxWorkers, waiting, runsPerSecond, cpuPercent, rssBytes }: Figures, view: ViewState | undefined) {
  const state = view === undefined ? '' : `  by ${view.sort}${view.isReversed ? ', reversed' : ''}${view.isPaused ? '  PAUSED' : ''}`
  return [
    `${bold(`glovebox ${daemon.version}`)} pid ${daemon.pid}, up ${formatMs(daemon.uptimeMs)}, ${daemon.clients} client${daemon.clients === 1 ? '' : 's'}${state}`,
    `${workers.length} of ${maxWorkers} workers, ${waiting} waiting, ${rate(runsPerSecond)} runs/s, cpu ${percent(cpuPercent)}, memory ${formatBytes(rssBytes)}`,
  ]
}

function tables({ tenants, deaths }: Figures, workers: readonly WorkerFigures[], chosen: WorkerFigures | undefined): readonly string[] {
  const lines: string[] = []
  if (tenants.length > 0) {
    const rows = tenants.map((each) => [
      named(each.tenant),
      `${each.workers}`,
      `${each.contexts}`,
      rate(each.runsPerSecond),
      rate(each.failedPerSecond),
      duration(each.p50Ms),
      duration(each.p99Ms),
      percent(each.cpuPercent),
      cpuOfMinute(each.cpu),
      formatBytes(each.rssBytes),
    ])
    lines.push('', ...formatTable(TENANT_COLUMNS, rows).split('\n'))
  }
  const rows = workers.map((each) => [
    each === chosen ? '>' : '',
    `${each.worker}`,
    `${each.pid ?? '-'}`,
    stateOf(each.state, each.draining),
    named(each.tenant),
    `${each.contexts}`,
    rate(each.runsPerSecond),
    percent(each.cpuPercent),
    formatBytes(memoryOf(each)),
  ])
  lines.push('', ...(rows.length === 0 ? ['no workers'] : formatTable(WORKER_COLUMNS, rows).split('\n')))
  return [...lines, ...deathLines(deaths.slice(0, SHOWN_DEATHS))]
}

function deathLines(deaths: Figures['deaths']): readonly string[] {
  if (deaths.length === 0) return []
  const rows = deaths.map(({ worker, cause, signal, exitCode, reason, stderr }) => [
    `${worker}`,
    cause ?? '-',
    signal ?? `exit ${exitCode ?? '?'}`,
    named(reason ?? stderr ?? 'not by the daemon'),
  ])
  return ['', bold('recent deaths'), ...formatTable(DEATH_COLUMNS, rows).split('\n')]
}

function lookInto(worker: WorkerFigures, { deaths }: Figures): readonly string[] {
  const facts: readonly (readonly [string, string])[] = [
    ['process', `${worker.pid ?? '-'}`],
    ['state', stateOf(worker.state, worker.draining)],
    ['tenant', named(worker.tenant)],
    ['contexts', `${worker.contexts}`],
    ['handles', `${worker.handles} functions that guests and clients hold of each other`],
    ['runs', `${worker.runs}, ${rate(worker.runsPerSecond)} a second`],
    ['cpu', `${formatMs(worker.cpuMs)}, now ${percent(worker.cpuPercent)}`],
    ['memory', `${formatBytes(memoryOf(worker))}, at most ${formatBytes(worker.peakRssBytes)}`],
  ]
  const lines = facts.map(([name, value]) => `  ${name.padEnd(9)} ${value}`)
  return [bold(`worker ${worker.worker}`), ...lines, ...deathLines(deaths.slice(0, SHOWN_DEATHS))]
}

const ORDERS: Readonly<Record<Sort, (a: WorkerFigures, b: WorkerFigures) => number>> = {
  cpu: (a, b) => b.cpuPercent - a.cpuPercent,
  memory: (a, b) => memoryOf(b) - memoryOf(a),
  runs: (a, b) => b.runsPerSecond - a.runsPerSecond,
  contexts: (a, b) => b.contexts - a.contexts,
  tenant: (a, b) => (a.tenant ?? '~').localeCompare(b.tenant ?? '~'),
  worker: (a, b) => a.worker - b.worker,
}

function sorted(workers: readonly WorkerFigures[], { sort, isReversed }: ViewState): readonly WorkerFigures[] {
  const rows = workers.toSorted((a, b) => ORDERS[sort](a, b) || a.worker - b.worker)
  return isReversed ? rows.toReversed() : rows
}
