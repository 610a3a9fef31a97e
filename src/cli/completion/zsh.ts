import { type CompletedCommand, type CompletedOption, quoted } from './completed-commands.ts'

export function zshScript(commands: readonly CompletedCommand[]): string {
  return `#compdef glovebox
# zsh completion of glovebox: a file named _glovebox in a folder of $fpath, or sourced after compinit.
_glovebox() {
  local command='' at
  for ((at = 2; at < CURRENT; at++)); do
    case "\${command:+$command }\${words[at]}" in
      ${commands.flatMap(({ path }) => (path === '' ? [] : [quoted(path)])).join('|')}) command="\${command:+$command }\${words[at]}" ;;
    esac
  done
  case "$command" in
${commands.map((each) => `    ${quoted(each.path)}) _arguments ${argumentsOf(each, commands).join(' ')} ;;`).join('\n')}
  esac
}
if [[ "\${funcstack[1]}" == _glovebox ]]; then _glovebox "$@"; else compdef _glovebox glovebox; fi
`
}

function argumentsOf({ path, options, subcommands, choices }: CompletedCommand, all: readonly CompletedCommand[]): readonly string[] {
  const flags = options.flatMap((each) => [each.short, each.long].flatMap((name) => (name === undefined ? [] : [flag(name, each)])))
  if (subcommands.length === 0) return [...flags, choices === undefined ? "'*: :_files'" : quoted(`*: :(${choices.join(' ')})`)]
  const described = subcommands.map((name) => {
    const found = all.find((each) => each.path === `${path} ${name}`.trim())
    return `${name}\\:${escaped(found?.description ?? '').replaceAll(' ', '\\ ')}`
  })
  return [...flags, quoted(`*: :((${described.join(' ')}))`)]
}

function flag(name: string, { description, takesValue, choices }: CompletedOption): string {
  const value = choices === undefined ? ':value:_files' : `:value:(${choices.join(' ')})`
  return quoted(`${name}[${escaped(description)}]${takesValue ? value : ''}`)
}

/** What _arguments reads as more than text. */
const escaped = (text: string): string => text.replaceAll(/[\\[\]:()"'`$;|&<>]/g, '\\$&')
