import type { CompletedCommand } from './completed-commands.ts'

/** For bash 4 and later, with or without the bash-completion package. */
export function bashScript(commands: readonly CompletedCommand[]): string {
  const paths = commands.flatMap(({ path }) => (path === '' ? [] : [`'${path}'`]))
  return `# bash completion of glovebox: source it, or put it where bash-completion looks.
_glovebox() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} path='' at
  for ((at = 1; at < COMP_CWORD; at++)); do
    case "\${path:+$path }\${COMP_WORDS[at]}" in
      ${paths.join('|')}) path="\${path:+$path }\${COMP_WORDS[at]}" ;;
    esac
  done
  case "$path $before" in
${commands.flatMap(valuesOf).join('\n')}
  esac
  COMPREPLY=()
  case "$path" in
${commands.map(wordsOf).join('\n')}
  esac
}
complete -o filenames -F _glovebox glovebox
`
}

function valuesOf({ path, options }: CompletedCommand): readonly string[] {
  return options.flatMap(({ short, long, takesValue, choices }) => {
    if (!takesValue) return []
    const words = choices === undefined ? 'compgen -f -- "$word"' : `compgen -W '${choices.join(' ')}' -- "$word"`
    const names = [short, long].flatMap((each) => (each === undefined ? [] : [`'${path} ${each}'`]))
    return [`    ${names.join('|')}) mapfile -t COMPREPLY < <(${words}); return ;;`]
  })
}

function wordsOf({ path, options, subcommands, choices }: CompletedCommand): string {
  const words = [...subcommands, ...(choices ?? [])]
  const others = words.length > 0 ? `compgen -W '${words.join(' ')}' -- "$word"` : 'compgen -f -- "$word"'
  const flags = options.map(({ long }) => long).join(' ')
  return `    '${path}') if [[ $word == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '${flags}' -- "$word"); else mapfile -t COMPREPLY < <(${others}); fi ;;`
}
