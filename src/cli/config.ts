import type { Command } from 'commander'
import { type Configuration, defaultOptions, OPTION_KEYS, readConfiguration } from '../daemon/index.ts'
import { addServeOptions, type ServeFlags } from './serve-options.ts'
import { formatTable } from './table.ts'

const EXAMPLES = `
Examples:
  glovebox config check                      the file that 'glovebox serve' would read, the environment, and the policy
  glovebox config check /etc/glovebox/config.json
  glovebox config print                      every option of a daemon started now, and where it comes from
  glovebox config print --spare 4 --json     the same with a flag, as a file that could be used`

export function addConfig(program: Command): void {
  const config = program.command('config').description("look at a daemon's configuration").addHelpText('after', EXAMPLES)
  addServeOptions(config.command('check').description('say whether a daemon would take it; exit code 2 if not').argument('[file]'))
    .addHelpText('after', EXAMPLES)
    .action(check)
  addServeOptions(config.command('print').description('print every option and where it comes from').argument('[file]'))
    .option('--json', 'print a configuration file')
    .addHelpText('after', EXAMPLES)
    .action(print)
}

function check(file: string | undefined, flags: ServeFlags): void {
  const { file: read, origins } = gather(file, flags)
  const count = Object.keys(origins).length
  process.stdout.write(`${read ?? 'no configuration file'}: ok, ${count} ${count === 1 ? 'option is' : 'options are'} given\n`)
}

function print(file: string | undefined, { json, ...flags }: ServeFlags & { readonly json?: true }): void {
  const { options, origins } = gather(file, flags)
  const all = { ...defaultOptions(), ...options }
  if (json === true) {
    process.stdout.write(`${JSON.stringify(all, null, 2)}\n`)
    return
  }
  const rows = OPTION_KEYS.flatMap((key) => (all[key] === undefined ? [] : [[key, shown(all[key]), origins[key] ?? 'default']]))
  process.stdout.write(`${formatTable([{ title: 'option' }, { title: 'value' }, { title: 'from' }], rows)}\n`)
}

function gather(file: string | undefined, { config, ...flags }: ServeFlags): Configuration {
  return readConfiguration({ file: file ?? config, environment: process.env, flags })
}

function shown(value: unknown): string {
  return typeof value === 'object' && value !== null && 'tenants' in value ? 'a policy in the file' : JSON.stringify(value)
}
