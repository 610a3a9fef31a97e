import { styleText } from 'node:util'
import type { Command } from 'commander'
import { connect, type Report, type Status } from '../client/index.ts'
import { printable } from './printable.ts'
import { formatBytes, formatMs } from './quantity.ts'
import { addConnectionOptions, type ConnectionFlags, runningDaemon } from './connection-options.ts'
import { cpuOfMinute, stateOf } from './tenant-figures.ts'
import { type Column, formatTable } from './table.ts'

const EXAMPLES = `
Examples:
  glovebox status                               a table
  glovebox status --json | jq '.workers[].pid'  everything, for programs`

export function addStatus(program: Command): void {
  addConnectionOptions(program.command('status').description('show the running daemon, its workers and their recent deaths'))
    .option('--json', 'print everything as JSON')
    .addHelpText('after', EXAMPLES)
    .action(status)
}

async function status(flags: ConnectionFlags & { readonly json?: true }): Promise<void> {
  await using box = await connect(runningDaemon(flags))
  const found = await box.status()
  process.stdout.write(`${flags.json === true ? JSON.stringify(found, null, 2) : describe(found)}\n`)
}

function describe({ daemon, versions, limits, tenants, workers, compilers, names, deaths }: Status): string {
  const bold = (text: string): string => styleText('bold', text)
  const amount = (name: string, format: (value: number) => string): string => {
    const value = limits[name]
    return value === undefined ? '?' : format(value)
  }
  const facts = [
    ['socket', daemon.socket],
    ['process', `${daemon.pid}, up ${formatMs(daemon.uptimeMs)}, Node ${versions.node} of ${versions.installedAt.slice(0, 10)}`],
    ['clients', `${daemon.clients}`],
    [
      'limits',
      `${amount('timeoutMs', formatMs)} a run, ${amount('memoryBytes', formatBytes)} a worker, ${amount('maxWorkers', String)} workers`,
    ],
  ] as const
  const head = facts.map(([name, value]) => `  ${name.padEnd(8)} ${value}`)
  const parts = [`${bold(`glovebox ${daemon.version}`)}\n${head.join('\n')}`]
  if (tenants !== undefined && tenants.length > 0) parts.push(`${bold('tenants')}\n${tenantTable(tenants)}`)
  parts.push(workers.length === 0 ? bold('no workers') : `${bold('workers')}\n${workerTable(workers)}`)
  if (compilers.length > 0) parts.push(`${bold('compilers')}\n${workerTable(compilers)}`)
  if (names.length > 0)
    parts.push(
      `${bold('named contexts')}\n${formatTable(
        NAME_COLUMNS,
        names.map(({ name, tenant, worker, clients }) => [printable(name, false), tenant, `${worker ?? ''}`, `${clients}`]),
      )}`,
    )
  if (deaths.length > 0) parts.push(`${bold('recent deaths')}\n${deathTable(deaths)}`)
  return parts.join('\n\n')
}

const NAME_COLUMNS: readonly Column[] = [
  { title: 'name' },
  { title: 'tenant' },
  { title: 'worker', align: 'right' },
  { title: 'clients', align: 'right' },
]

const TENANT_COLUMNS: readonly Column[] = [
  { title: 'tenant' },
  { title: 'runs', align: 'right' },
  { title: 'cpu in a minute', align: 'right' },
]

function tenantTable(tenants: NonNullable<Status['tenants']>): string {
  const rows = tenants.map(({ tenant, runs, cpu }) => [
    printable(tenant, false),
    `${Object.values(runs).reduce((total, each) => total + each, 0)}`,
    cpuOfMinute(cpu),
  ])
  return formatTable(TENANT_COLUMNS, rows)
}

const WORKER_COLUMNS: readonly Column[] = [
  { title: 'worker', align: 'right' },
  { title: 'pid', align: 'right' },
  { title: 'state' },
  { title: 'tenant' },
  { title: 'contexts', align: 'right' },
  { title: 'runs', align: 'right' },
  { title: 'cpu', align: 'right' },
  { title: 'peak memory', align: 'right' },
]

function workerTable(workers: Status['workers']): string {
  const rows = workers.map(({ worker, pid, state, draining, tenant, contexts, runs, cpuMs, peakRssBytes }) => [
    `${worker}`,
    `${pid ?? '-'}`,
    stateOf(state, draining),
    printable(tenant ?? '-', false),
    `${contexts}`,
    `${runs}`,
    formatMs(cpuMs),
    formatBytes(peakRssBytes),
  ])
  return formatTable(WORKER_COLUMNS, rows)
}

const DEATH_COLUMNS: readonly Column[] = [
  { title: 'worker', align: 'right' },
  { title: 'lived', align: 'right' },
  { title: 'cpu', align: 'right' },
  { title: 'peak memory', align: 'right' },
  { title: 'how' },
  { title: 'why' },
]

function deathTable(deaths: readonly Report[]): string {
  const rows = deaths.map(({ worker, wallMs, cpuMs, peakRssBytes, signal, exitCode, reason, stderr }) => [
    `${worker}`,
    formatMs(wallMs),
    formatMs(cpuMs),
    formatBytes(peakRssBytes),
    signal ?? `exit ${exitCode ?? '?'}`,
    printable(reason ?? stderr ?? 'not by the daemon', false),
  ])
  return formatTable(DEATH_COLUMNS, rows)
}
