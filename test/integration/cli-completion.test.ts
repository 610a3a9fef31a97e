import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { glovebox } from '../support/command.ts'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()

const isThere = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status === 0

/** Whether the shell parses the script. */
async function parses(shell: string, ...flags: readonly string[]): Promise<string> {
  const { stdout } = await glovebox(['completion', shell], {}).ended
  const { stderr, status } = spawnSync(shell, flags, { input: stdout, encoding: 'utf8' })
  return status === 0 ? '' : stderr
}

describe.skipIf(!isThere('bash'))('bash, where it is installed', () => {
  let script = ''
  beforeAll(async () => {
    script = (await glovebox(['completion', 'bash'], {}).ended).stdout
  })

  /** What bash offers for the last of these words. */
  function offered(...words: readonly string[]): readonly string[] {
    const run = `source <(cat); COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _glovebox; printf '%s\\n' "\${COMPREPLY[@]}"`
    const { stdout, stderr, status } = spawnSync('bash', ['-uc', run, 'bash', 'glovebox', ...words], { input: script, encoding: 'utf8' })
    expect([stderr, status]).toEqual(['', 0])
    return stdout.split('\n').filter((each) => each !== '')
  }

  test('is registered for the command', () => {
    const { stdout } = spawnSync('bash', ['-c', 'source <(cat); complete -p glovebox'], { input: script, encoding: 'utf8' })
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

test.skipIf(!isThere('zsh'))('zsh, where it is installed, parses its script', async () => {
  expect(await parses('zsh', '-n')).toBe('')
})

test.skipIf(!isThere('fish'))('fish, where it is installed, parses its script', async () => {
  expect(await parses('fish', '--no-execute')).toBe('')
})

test.each(['zsh', 'fish'])('the script for %s names every command and option', async (shell) => {
  const { stdout } = await glovebox(['completion', shell], {}).ended
  for (const word of ['serve', 'repl', 'top', 'stats', 'language', 'js ts']) expect(stdout).toContain(word)
})

test('another shell', async () => {
  const { code, stderr } = await glovebox(['completion', 'csh'], {}).ended
  expect([code, stderr]).toEqual([2, expect.stringContaining('Allowed choices are bash, zsh, fish')])
})
