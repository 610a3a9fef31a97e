import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { InvalidOptionError } from '../../base/options.ts'
import { DaemonError } from '../daemon-error.ts'
import { type DaemonOptions, resolveDaemonOptions } from '../options.ts'
import { readPolicy, policyFault } from '../tenants/policy-file.ts'
import { type CheckedFile, readChecked } from './checked-file.ts'
import { readEnvironment, variableOf } from './environment.ts'
import { configSchema, OPTION_KEYS, type OptionKey } from './schema.ts'

/** Where options may come from. */
export interface ConfigurationSources {
  /** Path of a configuration file. Default: `$GLOVEBOX_CONFIG`, or the usual path, if there is a file. */
  readonly file?: string | undefined
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The strongest: what the command line says. */
  readonly flags: DaemonOptions
}

export interface Configuration {
  /** What was given, of all sources. */
  readonly options: DaemonOptions
  /** The file that was read. */
  readonly file: string | undefined
  /** Where each option came from: `/etc/glovebox/config.json:3`, `$GLOVEBOX_SPARE` or `flag`. */
  readonly origins: Readonly<Partial<Record<OptionKey, string>>>
}

/** Options that are paths, which a file may give relative to itself. */
const PATHS: ReadonlySet<string> = new Set<OptionKey>(['socket', 'runtime', 'policy'])

/** Where a configuration is looked for if none is named: the user's own, or the system's for whoever has no session (a service). */
export function usualConfigPath(environment: Readonly<Record<string, string | undefined>>): string {
  const { XDG_CONFIG_HOME: config, XDG_RUNTIME_DIR: runtime } = environment
  if (config !== undefined && config !== '') return join(config, 'glovebox', 'config.json')
  return runtime === undefined || runtime === '' ? '/etc/glovebox/config.json' : join(homedir(), '.config', 'glovebox', 'config.json')
}

/**
 * Gathers the options of a daemon. A flag is stronger than a variable of the environment, and that than the file. The policy is read, too, if it is in a file of its own.
 *
 * @throws DaemonError `ERR_CONFIG` or `ERR_POLICY` with file and line or variable, key, rule and value
 * @throws InvalidOptionError `ERR_INVALID_OPTION`: a flag is wrong
 */
export function readConfiguration({ file: named, environment, flags }: ConfigurationSources): Configuration {
  const wanted = named ?? (environment['GLOVEBOX_CONFIG'] === '' ? undefined : environment['GLOVEBOX_CONFIG'])
  const usual = usualConfigPath(environment)
  const path = wanted ?? (existsSync(usual) ? usual : undefined)
  const file = path === undefined ? undefined : readFile(path)
  const given = readEnvironment(environment)
  const fromFile = file === undefined ? {} : optionsOf(resolve(path ?? ''), file)
  const options: Record<string, unknown> = {}
  const origins: Partial<Record<OptionKey, string>> = {}
  for (const key of OPTION_KEYS) {
    const source = [flags, given, fromFile].find((each) => each[key] !== undefined)
    if (source === undefined) continue
    options[key] = source[key]
    origins[key] = source === flags ? 'flag' : source === given ? `$${variableOf(key)}` : (file?.placeOf([key]) ?? '')
  }
  try {
    const { policy } = resolveDaemonOptions(options)
    if (typeof policy === 'string') readPolicy(policy)
  } catch (error) {
    throw withOrigin(error, origins)
  }
  return { options, file: path, origins }
}

function readFile(path: string): CheckedFile<DaemonOptions> {
  const file = readChecked(path, { title: 'configuration', code: 'ERR_CONFIG' }, configSchema)
  const { policy } = file.value
  const fault = typeof policy === 'object' ? policyFault(policy) : undefined
  if (fault !== undefined) throw file.refused({ keys: ['policy', ...fault.keys], rule: fault.rule })
  return file
}

function optionsOf(path: string, { value }: CheckedFile<DaemonOptions>): DaemonOptions {
  const entries = Object.entries(value).filter(([key]) => key !== '$schema')
  return Object.fromEntries(
    entries.map(([key, each]) => [key, PATHS.has(key) && typeof each === 'string' ? resolve(dirname(path), each) : each]),
  )
}

/** What is wrong between options is said where one of them stands. */
function withOrigin(error: unknown, origins: Configuration['origins']): unknown {
  if (!(error instanceof InvalidOptionError)) return error
  const origin = origins[error.option as OptionKey]
  return origin === undefined || origin === 'flag' ? error : new DaemonError('ERR_CONFIG', `${origin}: ${error.message}`, { cause: error })
}
