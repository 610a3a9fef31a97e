import type { CompletedCommand, CompletedOption } from './completed-commands.ts'

export function fishScript(commands: readonly CompletedCommand[]): string {
  const lines = commands.flatMap((each) => linesOf(each, commands))
  return `# fish completion of glovebox
${lines.join('\n')}
`
}

function linesOf(command: CompletedCommand, all: readonly CompletedCommand[]): readonly string[] {
  const when = `-n ${quoted(conditionOf(command))}`
  const subcommands = command.subcommands.map((name) => {
    const found = all.find(({ path }) => path === `${command.path} ${name}`.trim())
    return `complete -c glovebox -f ${when} -a ${name} -d ${quoted(found?.description ?? '')}`
  })
  const choices = command.choices === undefined ? [] : [`complete -c glovebox -f ${when} -a ${quoted(command.choices.join(' '))}`]
  return [...subcommands, ...choices, ...command.options.map((option) => `complete -c glovebox ${when} ${flag(option)}`)]
}

function conditionOf({ path, subcommands }: CompletedCommand): string {
  if (path === '') return '__fish_use_subcommand'
  const seen = path.split(' ').map((name) => `__fish_seen_subcommand_from ${name}`)
  return [...seen, ...(subcommands.length === 0 ? [] : [`not __fish_seen_subcommand_from ${subcommands.join(' ')}`])].join('; and ')
}

function flag({ short, long, description, takesValue, choices }: CompletedOption): string {
  const names = `${short === undefined ? '' : `-s ${short.slice(1)} `}-l ${long.slice(2)}`
  const value = choices !== undefined ? ` -x -a ${quoted(choices.join(' '))}` : takesValue ? ' -r' : ''
  return `${names}${value} -d ${quoted(description)}`
}

/** In fish's single quotes a backslash escapes itself and a quote. */
const quoted = (text: string): string => `'${text.replaceAll(/[\\']/g, '\\$&')}'`
