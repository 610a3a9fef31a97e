import type { Contender, Session } from '../contender.ts'
import { COUNTER_SOURCE, DEADLINE_MS } from '../work.ts'
import { createVmCounter } from './vm-counter.ts'

/** In this very process: nothing travels, and nothing is confined. */
export async function open(settings: Contender['settings']): Promise<Session> {
  const count = createVmCounter(settings?.['timeout'] === true ? DEADLINE_MS : undefined)
  return {
    add: () => count(COUNTER_SOURCE),
    async [Symbol.asyncDispose]() {},
  }
}
