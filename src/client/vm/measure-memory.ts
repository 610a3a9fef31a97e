import { notSupported } from './node-errors.ts'
import { checkObject, checkOneOf } from './validate.ts'

/** Checks its arguments as node:vm does, and rejects: V8 measures the contexts of one isolate, and those of a façade are in workers that other clients of the tenant share. */
export async function measureMemory(options: unknown = {}): Promise<never> {
  checkObject(options, 'options')
  const { mode = 'summary', execution = 'default' } = options
  checkOneOf(mode, 'options.mode', ['summary', 'detailed'])
  checkOneOf(execution, 'options.execution', ['default', 'eager'])
  throw notSupported('vm.measureMemory()', "'box.status()' says how much memory each worker has used")
}
