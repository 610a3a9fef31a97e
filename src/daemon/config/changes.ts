import { isDeepStrictEqual } from 'node:util'
import { type DaemonOptions, LIVE_OPTIONS } from '../options.ts'
import { OPTION_KEYS } from './schema.ts'

/** An option that is other than before. */
export interface OptionChange {
  readonly option: string
  readonly from: unknown
  readonly to: unknown
  /** The daemon goes on with the old value until it is started again. */
  readonly needsRestart: boolean
}

/** What differs between two configurations. A policy that stands in one shows as such: what became of its tenants is told one by one. */
export function changedOptions(before: DaemonOptions, after: DaemonOptions): OptionChange[] {
  return OPTION_KEYS.flatMap((option): OptionChange[] => {
    const [from, to] = [shown(before[option]), shown(after[option])]
    return isDeepStrictEqual(from, to) ? [] : [{ option, from, to, needsRestart: !LIVE_OPTIONS.has(option) }]
  })
}

function shown(value: DaemonOptions[keyof DaemonOptions]): unknown {
  return typeof value === 'object' && 'tenants' in value ? 'inline' : value
}
