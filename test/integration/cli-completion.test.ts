import { spawnSync } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { glovebox } from '../support/command.ts'
import { temporaryDirectory } from '../support/daemons.ts'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()

const isThere = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status === 0

/** Types a line in an interactive zsh with the script, asks for completions, and prints what comes until all that is wanted has. */
const TYPE_IN_ZSH = `
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PROMPT=; autoload -Uz compinit; compinit -D -u; source $1; bindkey '^I' list-choices; print REA''DY"
zpty -r shell before '*READY*'
zpty -n -w shell "$2"$'\\t'
zpty -r shell shown "$3"
print -r -- $shown
zpty -d shell
`

describe.skipIf(!isThere('bash'))('bash, where it is installed', () => {
  let script = ''
  beforeAll(async () => {
    script = (await glovebox(['completion', 'bash'], {}).ended).stdout
  })

  /** What bash offers for the last of these words. */
  function offered(...words: readonly string[]): readonly string[] {
    const run = `source <(cat); COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _glovebox; printf '%s\\n' "\${COMPREPLY[@]}"`
    // Its input is a socket here, and bash takes itself for a remote shell then.
    const { stdout, stderr, status } = spawnSync('bash', ['--norc', '-uc', run, 'bash', 'glovebox', ...words], {
      input: script,
      encoding: 'utf8',
    })
    expect([stderr, status]).toEqual(['', 0])
    return stdout.split('\n').filter((each) => each !== '')
  }

  test('is registered for the command', () => {
    const { stdout } = spawnSync('bash', ['--norc', '-c', 'source <(cat); complete -p glovebox'], { input: script, encoding: 'utf8' })
    expect(stdout).toBe('complete -o filenames -F _glovebox glovebox\n')
  })

  test.each([
    [['r'], ['run', 'repl']],
    [['ru'], ['run']],
    [['run', '--st'], ['--stats']],
    [
      ['run', '--language', ''],
      ['js', 'ts'],
    ],
    [['run', '--json', '--language', 't'], ['ts']],
    [['config', 'c'], ['check']],
    [['config', 'print', '--js'], ['--json']],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [
      ['bundle', 'x', '--format', ''],
      ['script', 'module'],
    ],
  ])('%j', (words, expected) => {
    expect(offered(...words)).toEqual(expected)
  })

  test('files where a file goes', () => {
    expect(offered('run', '')).toEqual(expect.arrayContaining(readdirSync('.')))
    expect(offered('run', '--socket', 'package.js')).toEqual(['package.json'])
  })
})

describe.skipIf(!isThere('zsh'))('zsh, where it is installed', () => {
  const directory = temporaryDirectory()
  const file = join(directory.path, '_glovebox')
  beforeAll(async () => {
    writeFileSync(file, (await glovebox(['completion', 'zsh'], {}).ended).stdout)
  })
  afterAll(() => directory[Symbol.dispose]())

  test.each([
    ['glovebox tok', ['token', "make a token for a tenant of a daemon's policy"]],
    ['glovebox run --language ', ['js', 'ts']],
  ])('%s', (line, wanted) => {
    const typed = ['-f', '-c', TYPE_IN_ZSH, 'zsh', file, line, `*${wanted.join('*')}*`]
    const { stdout, stderr, status } = spawnSync('zsh', typed, { encoding: 'utf8', timeout: 20_000 })
    expect([stderr, status]).toEqual(['', 0])
    for (const each of wanted) expect(stdout).toContain(each)
  })
})

describe.skipIf(!isThere('fish'))('fish, where it is installed', () => {
  let script = ''
  beforeAll(async () => {
    script = (await glovebox(['completion', 'fish'], {}).ended).stdout
  })

  test.each([
    ['tok', ["token\tmake a token for a tenant of a daemon's policy"]],
    ['run --st', ['--stats\tsay what the run took: time, processor time, memory']],
    ['config c', ['check\tsay whether a daemon would take it; exit code 2 if not']],
    ['completion ', ['bash', 'fish', 'zsh']],
  ])('%s', (words, expected) => {
    const run = `${script}\ncomplete -C 'glovebox ${words}'`
    const { stdout, stderr, status } = spawnSync('fish', ['--no-config', '-c', run], { encoding: 'utf8' })
    expect([stderr, status]).toEqual(['', 0])
    expect(stdout.trimEnd().split('\n')).toEqual(expected)
  })
})

test.each(['zsh', 'fish'])('the script for %s names every command and option', async (shell) => {
  const { stdout } = await glovebox(['completion', shell], {}).ended
  for (const word of ['serve', 'repl', 'top', 'stats', 'language', 'js ts']) expect(stdout).toContain(word)
})

test('another shell', async () => {
  const { code, stderr } = await glovebox(['completion', 'csh'], {}).ended
  expect([code, stderr]).toEqual([2, expect.stringContaining('Allowed choices are bash, zsh, fish')])
})
