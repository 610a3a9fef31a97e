import type { Command } from 'commander'

/** A command as a shell completes it. */
export interface CompletedCommand {
  /** Names from the program on, without its own: `config check`; empty for the program itself. */
  readonly path: string
  readonly description: string
  readonly subcommands: readonly string[]
  readonly options: readonly CompletedOption[]
  /** What its first argument may be, where only so much may; undefined if it is a file. */
  readonly choices: readonly string[] | undefined
}

export interface CompletedOption {
  readonly short: string | undefined
  readonly long: string
  readonly description: string
  readonly takesValue: boolean
  readonly choices: readonly string[] | undefined
}

const HELP: CompletedOption = { short: '-h', long: '--help', description: 'print this help', takesValue: false, choices: undefined }

/** The program and all its commands, parents first. */
export function completedCommands(program: Command, path = ''): readonly CompletedCommand[] {
  const options = program.options.map(({ short, long, description, required, argChoices }) => ({
    short,
    long: long ?? '',
    description,
    takesValue: required,
    choices: argChoices,
  }))
  const own: CompletedCommand = {
    path,
    description: program.description(),
    subcommands: program.commands.map((each) => each.name()),
    options: [...options, HELP],
    choices: program.registeredArguments[0]?.argChoices,
  }
  return [own, ...program.commands.flatMap((each) => completedCommands(each, `${path} ${each.name()}`.trim()))]
}

/** A description within single quotes of a shell. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
