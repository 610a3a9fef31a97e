import { html } from 'htm/preact'
import type { DaemonStatus } from '../daemon/index.ts'
import { quantile } from './history.ts'

const MIB = 1024 * 1024
const number = new Intl.NumberFormat('en')
const bytes = (value: number): string => `${number.format(Math.round(value / MIB))} MiB`
const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`
const latency = (ms: number): string => (Number.isNaN(ms) ? '–' : `≤ ${ms} ms`)

/** All text here is put into text nodes: some of it is a guest's. */
export function Workers({ workers }: { workers: DaemonStatus['workers'] }) {
  return html`<section><h2>Workers</h2><table id="workers">
    <thead><tr><th>worker</th><th>state</th><th>tenant</th><th>contexts</th><th>requests</th><th>CPU</th><th>memory</th></tr></thead>
    <tbody>${workers.map(
      (
        each,
      ) => html`<tr key=${each.worker}><td>${each.worker}</td><td class=${`state ${each.state}`}>${each.state}</td><td>${each.tenant ?? '–'}</td>
        <td>${each.contexts}</td><td>${number.format(each.runs)}</td><td>${seconds(each.cpuMs)}</td><td>${bytes(each.rssBytes)}</td></tr>`,
    )}</tbody></table></section>`
}

export function Tenants({ tenants, workers }: Pick<DaemonStatus, 'tenants' | 'workers'>) {
  const contextsOf = (tenant: string): number => workers.reduce((sum, each) => sum + (each.tenant === tenant ? each.contexts : 0), 0)
  return html`<section><h2>Tenants</h2><table id="tenants">
    <thead><tr><th>tenant</th><th>contexts</th><th>completed</th><th>threw</th><th>timeout</th><th>cancelled</th><th>failed</th><th>p50</th><th>p99</th></tr></thead>
    <tbody>${tenants.map(
      ({ tenant, runs, durations }) => html`<tr key=${tenant}><td>${tenant}</td><td>${number.format(contextsOf(tenant))}</td>
        ${[runs.completed, runs.threw, runs.timeout, runs.cancelled, runs.failed].map((count) => html`<td>${number.format(count)}</td>`)}
        <td>${latency(quantile(durations, 0.5))}</td><td>${latency(quantile(durations, 0.99))}</td></tr>`,
    )}</tbody></table></section>`
}

/** Contexts that clients share. Names are the clients' own: in `bdi` they do not turn the text around them. */
export function NamedContexts({ names }: Pick<DaemonStatus, 'names'>) {
  if (names.length === 0) return undefined
  return html`<section><h2>Named contexts</h2><table id="names">
    <thead><tr><th>name</th><th>tenant</th><th>worker</th><th>clients</th><th>kept for</th></tr></thead>
    <tbody>${names.map(
      ({ name, tenant, worker, clients, idleMs }) => html`<tr key=${JSON.stringify([tenant, name])}><td class="name"><bdi>${name}</bdi></td>
        <td>${tenant}</td><td>${worker ?? '–'}</td><td>${number.format(clients)}</td><td>${seconds(idleMs)} unused</td></tr>`,
    )}</tbody></table></section>`
}

export function Deaths({ deaths }: { deaths: DaemonStatus['deaths'] }) {
  return html`<section><h2>Recent deaths</h2>
    ${deaths.length === 0 ? html`<p class="dim">None that nobody planned.</p>` : undefined}
    <div id="deaths">${deaths.map(
      (
        death,
      ) => html`<details key=${death.worker}><summary>worker ${death.worker} of ${death.tenant ?? 'nobody'}: <b>${death.cause ?? '?'}</b> ${death.reason ?? death.stderr ?? death.signal ?? ''}</summary>
        <pre>${JSON.stringify(death, undefined, 2)}</pre></details>`,
    )}</div></section>`
}
