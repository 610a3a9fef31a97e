import { collectDefaultMetrics, Counter, Gauge, type Metric, Registry } from 'prom-client'
import { CACHES, DURATION_BOUNDS_MS, RUN_OUTCOMES } from '../../protocol/run-tally.ts'
import type { DaemonStatus } from '../status.ts'
import type { RunCounts } from './run-counts.ts'

/** What metrics are made of, at the moment when somebody asks. */
export interface MetricsSource {
  status(): DaemonStatus
  readonly counts: RunCounts
}

const WORKER_STATES = ['booting', 'spare', 'bound', 'ending'] as const

/**
 * The daemon's metrics in Prometheus' text format. Labels have values out of lists that we make: names of tenants (at most some hundred), outcomes, states, causes, layers. Nothing of a guest's is among them.
 */
export class Exposition {
  readonly #registry = new Registry()
  readonly #source: MetricsSource
  readonly #refresh: ((status: DaemonStatus) => void)[] = []

  constructor(source: MetricsSource) {
    this.#source = source
    collectDefaultMetrics({ register: this.#registry, prefix: 'glovebox_daemon_' })
    this.#aboutDaemon()
    this.#aboutWorkers()
    this.#aboutRuns()
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  async text(): Promise<string> {
    const status = this.#source.status()
    for (const refresh of this.#refresh) refresh(status)
    return this.#registry.metrics()
  }

  #gauge(name: string, help: string, labelNames: readonly string[] = []): Gauge {
    return new Gauge({ name: `glovebox_${name}`, help, labelNames: [...labelNames], registers: [this.#registry] })
  }

  #counter(name: string, help: string, labelNames: readonly string[]): Counter {
    return new Counter({ name: `glovebox_${name}`, help, labelNames: [...labelNames], registers: [this.#registry] })
  }

  #aboutDaemon(): void {
    const info = this.#gauge('info', 'Versions of the daemon and of the Node that workers run on.', ['version', 'node', 'v8'])
    const clients = this.#gauge('clients', 'Connected clients.')
    const waiting = this.#gauge('leases_waiting', 'Leases that wait for a worker.')
    const layer = this.#gauge('layer_held', 'Whether the newest worker attested a layer of confinement: 0 is a layer that does not hold.', [
      'layer',
    ])
    this.#refresh.push(({ daemon, versions, queue, confinement }) => {
      info.set({ version: daemon.version, node: versions.node, v8: versions.v8 }, 1)
      clients.set(daemon.clients)
      waiting.set(queue.waiting)
      for (const each of confinement.absent) layer.set({ layer: each.layer }, 0)
      for (const each of confinement.layers) layer.set({ layer: each.layer }, each.held ? 1 : 0)
    })
  }

  #aboutWorkers(): void {
    const workers = this.#gauge('workers', 'Workers by state.', ['state'])
    const compilers = this.#gauge('compilers', 'Compilers.')
    const contexts = this.#gauge('contexts', 'Contexts in workers.', ['tenant'])
    const memory = this.#gauge('memory_bytes', 'Resident memory of workers and compilers, without shared files.', ['tenant'])
    const cpu = this.#counter('cpu_seconds_total', 'Processor time of workers and compilers.', ['tenant'])
    const deaths = this.#counter('deaths_total', 'Workers and compilers that ended, by cause.', ['cause'])
    const { counts } = this.#source
    this.#refresh.push((status) => {
      for (const state of WORKER_STATES) workers.set({ state }, status.workers.filter((each) => each.state === state).length)
      compilers.set(status.compilers.length)
      for (const metric of [contexts, memory, cpu, deaths]) metric.reset()
      for (const [tenant, { deadCpuMs }] of counts.tenants) cpu.inc({ tenant }, deadCpuMs / 1_000)
      for (const each of [...status.workers, ...status.compilers]) {
        if (each.tenant === undefined) continue
        const tenant = counts.labelOf(each.tenant)
        contexts.inc({ tenant }, each.contexts)
        memory.inc({ tenant }, each.rssBytes)
        cpu.inc({ tenant }, each.cpuMs / 1_000)
      }
      for (const [cause, count] of counts.deaths) deaths.inc({ cause }, count)
    })
  }

  #aboutRuns(): void {
    const runs = this.#counter(
      'runs_total',
      'Runs and calls that workers answered, by how they ended. As workers say: a guest that owns one can spoil the figures of its own tenant.',
      ['tenant', 'outcome'],
    )
    const lookups = this.#counter(
      'cache_lookups_total',
      'What workers did not compile again (scripts: they had it; code: V8 took a code cache), and what they did. As workers say.',
      ['tenant', 'cache', 'result'],
    )
    const { counts } = this.#source
    this.#refresh.push(() => {
      runs.reset()
      lookups.reset()
      for (const [tenant, { caches }] of counts.tenants)
        for (const [at, cache] of CACHES.entries()) {
          lookups.inc({ tenant, cache, result: 'hit' }, caches[2 * at] ?? 0)
          lookups.inc({ tenant, cache, result: 'miss' }, caches[2 * at + 1] ?? 0)
        }
      for (const [tenant, { outcomes }] of counts.tenants)
        for (const [at, outcome] of RUN_OUTCOMES.entries()) runs.inc({ tenant, outcome }, outcomes[at] ?? 0)
    })
    this.#registry.registerMetric(countedDurations(counts))
  }
}

const SECONDS = DURATION_BOUNDS_MS.map((ms) => ms / 1_000)

const DURATION = 'glovebox_run_duration_seconds'

/** A histogram of what workers have sorted into classes already; prom-client's own would have to be told each duration. A registry asks no more of a metric than this. */
function countedDurations(counts: RunCounts): Metric {
  const get = (): unknown => ({
    name: DURATION,
    help: 'How long runs took in their workers, from their turn to their end.',
    type: 'histogram',
    aggregator: 'sum',
    values: [...counts.tenants].flatMap(([tenant, { durations, totalMs }]) => {
      let below = 0
      const buckets = durations.map((count, at) => {
        below += count
        return { metricName: `${DURATION}_bucket`, labels: { tenant, le: SECONDS[at] ?? '+Inf' }, value: below }
      })
      const sum = { metricName: `${DURATION}_sum`, labels: { tenant }, value: totalMs / 1_000 }
      return [...buckets, sum, { metricName: `${DURATION}_count`, labels: { tenant }, value: below }]
    }),
  })
  return { name: DURATION, get } as unknown as Metric
}
