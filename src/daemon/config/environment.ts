import * as v from 'valibot'
import { DaemonError } from '../daemon-error.ts'
import type { DaemonOptions } from '../options.ts'
import { faultOf } from './rules.ts'
import { OPTION_KEYS, type OptionKey, optionsSchema } from './schema.ts'

/** `maxPerTenant` is `GLOVEBOX_MAX_PER_TENANT`. */
export function variableOf(key: OptionKey): string {
  return `GLOVEBOX_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`
}

/**
 * Options from environment variables; lists have commas. One that is empty is not there. Others that begin with `GLOVEBOX_` are not looked at: clients have some, and Kubernetes makes some of a service's name.
 *
 * @throws DaemonError `ERR_CONFIG` with variable, rule and value
 */
export function readEnvironment(environment: Readonly<Record<string, string | undefined>>): DaemonOptions {
  const options: Record<string, unknown> = {}
  for (const key of OPTION_KEYS) {
    const variable = variableOf(key)
    const given = environment[variable]
    if (given === undefined || given === '') continue
    const result = v.safeParse(optionsSchema.entries[key], readAs(key, given))
    if (!result.success)
      throw new DaemonError(
        'ERR_CONFIG',
        `the environment variable ${variable} ${faultOf(result.issues[0]).rule}, got ${JSON.stringify(given)}`,
      )
    options[key] = result.output
  }
  return options
}

function readAs(key: OptionKey, given: string): unknown {
  const { type } = optionsSchema.entries[key].wrapped
  if (type === 'array') return given.split(',').map((each) => each.trim())
  return type === 'number' && /^\d{1,15}$/.test(given) ? Number(given) : given
}
