import vm from 'node:vm'
import type { Contender, Session } from '../contender.ts'
import { FRESH_SOURCE } from '../work.ts'

/** In this very process, the source compiled once: nothing travels, and nothing is confined. */
export async function open(settings: Contender['settings']): Promise<Session> {
  const script = new vm.Script(FRESH_SOURCE)
  const contextified = settings?.['contextified'] === true
  let count = 0
  return {
    add: () =>
      (count += script.runInContext(contextified ? vm.createContext({}) : vm.createContext(vm.constants.DONT_CONTEXTIFY)) as number),
    async [Symbol.asyncDispose]() {},
  }
}
