import type { DeathCause, Report } from '../protocol/report.ts'

/** A worker's life. What a state knows exists in that state only. */
export type WorkerState =
  | { readonly type: 'booting' }
  /** Ready, and nobody's. */
  | { readonly type: 'spare'; readonly bootMs: number }
  /** Bound to one tenant, for the rest of its life. */
  | { readonly type: 'bound'; readonly tenant: string; readonly dedicated: boolean }
  /** Killed by us; the kernel has not reaped it yet. */
  | { readonly type: 'ending'; readonly cause: DeathCause; readonly reason: string }
  | { readonly type: 'dead'; readonly report: Report }

export type WorkerEvent =
  | { readonly type: 'ready'; readonly bootMs: number }
  | { readonly type: 'bind'; readonly tenant: string; readonly dedicated: boolean }
  | { readonly type: 'kill'; readonly cause: DeathCause; readonly reason: string }
  | { readonly type: 'exited'; readonly report: Report }

/** The state after an event; `undefined` if the event has no place in that state. The first cause of an end wins. */
export function nextWorkerState(state: WorkerState, event: WorkerEvent): WorkerState | undefined {
  switch (event.type) {
    case 'ready':
      return state.type === 'booting' ? { type: 'spare', bootMs: event.bootMs } : undefined
    case 'bind':
      return state.type === 'spare' ? { type: 'bound', tenant: event.tenant, dedicated: event.dedicated } : undefined
    case 'kill':
      return state.type === 'ending' || state.type === 'dead' ? undefined : { type: 'ending', cause: event.cause, reason: event.reason }
    case 'exited':
      return state.type === 'dead' ? undefined : { type: 'dead', report: event.report }
  }
}
