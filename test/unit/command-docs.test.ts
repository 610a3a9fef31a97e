import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { expect, test } from 'vitest'
import { makeProgram } from '../../src/cli/program.ts'

const text = readFileSync(new URL('../../docs/command.md', import.meta.url), 'utf8')

/** Every command with its path of names, parents first. */
function commandsOf(command: Command, path = command.name()): (readonly [path: string, command: Command])[] {
  return [[path, command], ...command.commands.flatMap((each) => commandsOf(each, `${path} ${each.name()}`))]
}

const COMMANDS = commandsOf(makeProgram()).filter(([, { commands }]) => commands.length === 0)

/** What docs/command.md says under the title of a command. */
const sectionOf = (path: string): string => text.split(/^## /m).find((each) => each.startsWith(`\`${path}\`\n`)) ?? ''

/** Options of `serve` stand there once. */
const ownOptions = (path: string, command: Command): Command['options'] =>
  path.startsWith('glovebox config ')
    ? command.options.filter(({ long }) => !sectionOf('glovebox serve').includes(`${long} `))
    : command.options

test.each(COMMANDS)('docs/command.md has %s with every option, as its help has it', (path, command) => {
  const section = sectionOf(path)
  expect(section).toContain(command.description())
  for (const { flags, description } of ownOptions(path, command)) expect(section).toContain(`| \`${flags}\` | ${description} |\n`)
})

test('docs/command.md has no command that is not there', () => {
  const titles = [...text.matchAll(/^## `(.*)`$/gm)].map(([, path]) => path)
  expect(titles).toEqual(COMMANDS.map(([path]) => path))
})

test.each(COMMANDS)('%s --help has examples', (_, command) => {
  let help = ''
  command.configureOutput({ writeOut: (part) => void (help += part) }).outputHelp()
  expect(help).toMatch(/\nExamples:\n {2}glovebox /)
})
