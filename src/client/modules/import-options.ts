import { OptionReader } from '../../base/options.ts'
import { type CallOptions, type CallSettings, readCall, type TimeoutPolicy } from '../run-options.ts'
import { type Modules, readModulesOption } from './given-modules.ts'

/** How a module is imported. `timeout` covers all: looking modules up, computing, and what they wait for. */
export interface ImportOptions extends CallOptions {
  /** What it imports from, and what its modules import from, by statements and by `import()`. Default: the context's. */
  readonly modules?: Modules
  /** Properties of `import.meta`, besides `url`, of modules that do not bring their own. Values, as for any call. */
  readonly meta?: Readonly<Record<string, unknown>>
  /** `false` for a module that is imported for what it does: the object stays empty, and its exports need not be able to cross. Default true. */
  readonly exports?: boolean
}

interface ImportSettings extends CallSettings {
  readonly modules: Modules | undefined
  readonly meta: Readonly<Record<string, unknown>> | undefined
  readonly exports: boolean
}

export function resolveImportOptions(policy: TimeoutPolicy, given: unknown): ImportSettings {
  const read = new OptionReader('import()', given)
  const settings = {
    modules: readModulesOption(read),
    meta: read.object('meta'),
    exports: read.boolean('exports') ?? true,
    ...readCall(policy, read),
  }
  read.finish()
  return settings
}
