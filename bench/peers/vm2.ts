import { VM, VMScript } from 'vm2'
import type { Session } from '../contender.ts'
import { COUNTER_SOURCE, DEADLINE_MS } from '../work.ts'

/** In this very process, the source compiled once. */
export async function open(): Promise<Session> {
  const vm = new VM({ timeout: DEADLINE_MS, sandbox: { x: 0 } })
  const script = new VMScript(COUNTER_SOURCE)
  return {
    add: () => vm.run(script) as unknown,
    async [Symbol.asyncDispose]() {},
  }
}
