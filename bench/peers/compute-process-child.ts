/** The process of compute-process.ts: runs each source that it is sent at the top level, compiled once, and ends with its parent. */
import vm from 'node:vm'
import type { Computed } from './compute-process.ts'

const scripts = new Map<string, vm.Script>()

function compute(source: string): Computed {
  try {
    const script = scripts.get(source) ?? new vm.Script(source)
    scripts.set(source, script)
    const value: unknown = script.runInThisContext()
    return { value: typeof value === 'object' || typeof value === 'function' ? undefined : value }
  } catch (error) {
    return { error: String(error) }
  }
}

process.on('message', (source: string) => {
  process.send?.(compute(source))
})
