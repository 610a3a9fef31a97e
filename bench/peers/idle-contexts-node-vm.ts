import { setTimeout as sleep } from 'node:timers/promises'
import vm from 'node:vm'
import type { Session } from '../contender.ts'
import { residentBytes } from '../resident.ts'
import { COUNTER_SOURCE, IDLE_MS } from '../work.ts'

/** Contexts that all stay, in this very process, with nothing in them. */
export async function open(): Promise<Session> {
  const script = new vm.Script(COUNTER_SOURCE)
  const contexts: vm.Context[] = []
  const make = (): number => {
    const context = vm.createContext(vm.constants.DONT_CONTEXTIFY)
    contexts.push(context)
    context['x'] = 0
    return script.runInContext(context) as number
  }
  make()
  const before = residentBytes('self', 'anonymous')
  return {
    add: () => contexts.length - 1 + make(),
    async kilobytes() {
      await sleep(IDLE_MS)
      return (residentBytes('self', 'anonymous') - before) / (contexts.length - 1) / 1_000
    },
    async [Symbol.asyncDispose]() {},
  }
}
