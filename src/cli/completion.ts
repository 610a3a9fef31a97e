import { Argument, type Command } from 'commander'
import { bashScript } from './completion/bash.ts'
import { type CompletedCommand, completedCommands } from './completion/completed-commands.ts'
import { fishScript } from './completion/fish.ts'
import { zshScript } from './completion/zsh.ts'

const EXAMPLES = `
Examples:
  glovebox completion bash > ~/.local/share/bash-completion/completions/glovebox
  glovebox completion zsh > "\${fpath[1]}/_glovebox"
  glovebox completion fish > ~/.config/fish/completions/glovebox.fish
  source <(glovebox completion bash)         for this shell only; of zsh, too, after compinit`

const SCRIPTS: Readonly<Record<string, (commands: readonly CompletedCommand[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
}

export function addCompletion(program: Command): void {
  program
    .command('completion')
    .description('print a script that has a shell complete commands and options')
    .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(SCRIPTS)))
    .addHelpText('after', EXAMPLES)
    .action((shell: string) => void process.stdout.write(SCRIPTS[shell]?.(completedCommands(program)) ?? ''))
}
