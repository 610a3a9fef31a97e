import { styleText } from 'node:util'
import { type Command, Option } from 'commander'
import { DaemonError, examineConfinement, type Examination } from '../daemon/index.ts'
import { FailureWithFigures } from './failure.ts'
import { formatTable } from './table.ts'

const EXAMPLES = `
Examples:
  glovebox doctor                          what confines a worker on this machine, tried out
  glovebox doctor --confinement strict     the same; exit code 3 if a daemon would not start with it
  glovebox doctor --json | jq '.layers[] | select(.held | not)'`

const TITLES: Readonly<Record<string, string>> = {
  L1: 'process',
  L2: 'Node permissions',
  L3: 'kernel lockdown',
  L4: 'namespaces',
  L5: 'cgroup',
}

interface Flags {
  readonly confinement: 'strict' | 'auto' | 'process'
  readonly json?: true
}

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('boot a worker and a compiler, let them attack themselves, and show what holds and how to mend what does not')
    .addOption(new Option('--confinement <level>', 'the level that must hold').choices(['strict', 'auto', 'process']).default('auto'))
    .option('--json', 'print everything as JSON')
    .addHelpText('after', EXAMPLES)
    .action(doctor)
}

async function doctor({ confinement, json }: Flags): Promise<void> {
  const found = await examineConfinement()
  const fails = found.levels.includes(confinement)
    ? undefined
    : new DaemonError('ERR_CONFINEMENT', `a daemon would not start here with confinement '${confinement}'`)
  // One value of JSON, with all that there is.
  if (json === true && fails !== undefined) throw new FailureWithFigures(fails, { ...found })
  process.stdout.write(`${json === true ? JSON.stringify(found, null, 2) : describe(found)}\n`)
  if (fails !== undefined) throw fails
}

const mark = (good: boolean): string => (good ? styleText('green', '✓') : styleText('red', '✗'))

function layerTable(title: string, layers: Examination['layers']): string {
  const rows = layers.map(({ layer, held, detail }) => [mark(held), layer, TITLES[layer] ?? '', detail])
  return `${styleText('bold', title)}\n${formatTable([{ title: '' }, { title: 'layer' }, { title: 'what' }, { title: 'evidence' }], rows)}`
}

function attackTable(title: string, attacks: Examination['attacks']): string {
  const names = [...new Set(attacks.map(({ name }) => name))]
  const rows = names.map((name) => {
    const tries = attacks.filter((attack) => attack.name === name)
    return [
      mark(tries.every(({ refused }) => refused)),
      name,
      tries.map(({ layer, refused, evidence }) => `${layer} ${refused ? 'refused' : 'LET THROUGH'} (${evidence})`).join(', '),
    ]
  })
  return `${styleText('bold', title)}\n${formatTable([{ title: '' }, { title: 'attempt' }, { title: 'outcome' }], rows)}`
}

function describe({ layers, attacks, compiler, levels }: Examination): string {
  const through = compiler.attacks.filter(({ refused }) => !refused)
  const parts = [
    layerTable('layers', layers),
    attackTable('attacks of a worker on itself', attacks),
    layerTable('layers of a compiler', compiler.layers),
    through.length === 0
      ? `The compiler's threads tried the same ${compiler.attacks.length} attacks: all were refused.`
      : attackTable('attacks of a compiler on itself that were let through', through),
  ]
  const fixes = layers.flatMap(({ layer, held, fix }) => (held || fix === undefined || fix === 'none' ? [] : [`  ${layer}: ${fix}`]))
  if (fixes.length > 0) parts.push(`${styleText('bold', 'to mend')}\n${fixes.join('\n')}`)
  parts.push(`A daemon starts here with confinement: ${levels.length === 0 ? 'none' : levels.join(', ')}`)
  return parts.join('\n\n')
}
