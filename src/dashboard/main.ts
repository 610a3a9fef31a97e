import { html } from 'htm/preact'
import { render } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { DaemonStatus } from '../daemon/index.ts'
import { ask } from './ask.ts'
import { Chart } from './chart.ts'
import { History } from './history.ts'
import { Playground } from './playground.ts'
import { Deaths, NamedContexts, Tenants, Workers } from './tables.ts'

/** How often the daemon is asked, in milliseconds. */
const LOOK_MS = 1_000
const history = new History()
const SILENT = 'The daemon does not answer. '
const NO_KEY = "Open the dashboard by the address that 'glovebox serve' prints: it has a key, made anew at each start. "

function App() {
  const [status, setStatus] = useState<DaemonStatus>()
  const [lost, setLost] = useState('')
  useEffect(() => {
    const look = async (): Promise<void> => {
      try {
        const response = await ask('/api/status')
        if (response.status === 403) return setLost(NO_KEY)
        if (!response.ok) throw new Error(String(response.status))
        const answer = (await response.json()) as DaemonStatus
        history.add(answer, Date.now() / 1_000)
        setStatus(answer)
        setLost('')
      } catch {
        setLost(SILENT)
      }
    }
    void look()
    const timer = setInterval(() => void look(), LOOK_MS)
    return () => clearInterval(timer)
  }, [])
  if (status === undefined) return html`<p>${lost === '' ? '…' : lost}</p>`
  const { intervals } = history
  const times = intervals.map(({ at }) => at)
  return html`<${Head} status=${status} lost=${lost} />
    <div class="charts">
      <${Chart} title="Runs a second" times=${times} series=${[{ label: 'runs/s', colour: '#3b82f6', values: intervals.map((each) => each.runsPerSecond) }]} />
      <${Chart} title="Latency in workers (ms)" times=${times} series=${[
        { label: 'p50', colour: '#10b981', values: intervals.map((each) => each.p50Ms) },
        { label: 'p99', colour: '#f59e0b', values: intervals.map((each) => each.p99Ms) },
      ]} />
    </div>
    <${Tenants} tenants=${status.tenants} workers=${status.workers} /><${Workers} workers=${status.workers} /><${NamedContexts} names=${status.names} /><${Deaths} deaths=${status.deaths} /><${Playground} />`
}

function Head({ status, lost }: { status: DaemonStatus; lost: string }) {
  const { daemon, versions, queue, confinement } = status
  return html`<header><h1>Glovebox <small>${daemon.version}</small></h1>
    <p><b class="bad">${lost}</b>${daemon.clients} clients, ${queue.waiting} leases waiting; Node ${versions.node}, ${versions.ageDays} days old; up since ${new Date(daemon.startedAt).toLocaleString()}</p>
    <p id="layers">${confinement.layers.toSorted((a, b) => a.layer.localeCompare(b.layer)).map(({ layer, held, detail }) => html`<span class=${held ? 'layer good' : 'layer bad'} title=${detail}>${layer}</span>`)}</p></header>`
}

const place = document.getElementById('app')
if (place !== null) {
  place.replaceChildren()
  render(html`<${App} />`, place)
}
