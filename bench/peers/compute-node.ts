import vm from 'node:vm'
import type { Contender, Session } from '../contender.ts'
import { computing } from './computing.ts'

/** At the top level of plain Node, as a script that Node itself is started with; or in a contextified object. Each source is compiled once. */
export async function open(settings: Contender['settings']): Promise<Session> {
  const context = settings?.['contextified'] === true ? vm.createContext({}) : undefined
  const scripts = new Map<string, vm.Script>()
  const evaluate = (source: string): unknown => {
    let script = scripts.get(source)
    if (script === undefined) {
      script = new vm.Script(source)
      scripts.set(source, script)
    }
    return context === undefined ? script.runInThisContext() : script.runInContext(context)
  }
  return computing(settings, evaluate, async () => undefined)
}
