import { expect, test } from 'vitest'
import { printConsole } from '../../src/cli/console-output.ts'
import type { ConsoleEvent } from '../../src/client/index.ts'

/** What is written to each stream, when both are terminals or neither is. */
function written(
  level: ConsoleEvent['level'],
  text: string,
  isTTY: boolean,
  dropped = 0,
): { readonly stdout: string; readonly stderr: string } {
  const written = { stdout: '', stderr: '' }
  const stream = (name: keyof typeof written): NodeJS.WriteStream =>
    ({ isTTY, hasColors: () => true, write: (chunk: string) => ((written[name] += chunk), true) }) as unknown as NodeJS.WriteStream
  printConsole({ level, text, dropped }, { stdout: stream('stdout'), stderr: stream('stderr') })
  return written
}

test.each([
  ['debug', 'stdout', '\x1b[2mtext\x1b[22m\n'],
  ['log', 'stdout', 'text\n'],
  ['info', 'stdout', 'text\n'],
  ['warn', 'stderr', '\x1b[33mtext\x1b[39m\n'],
  ['error', 'stderr', '\x1b[31mtext\x1b[39m\n'],
  ['trace', 'stderr', 'text\n'],
] as const)('%s goes to %s, in colour on a terminal only', (level, name, coloured) => {
  const nothing = { stdout: '', stderr: '' }
  expect(written(level, 'text', true)).toEqual({ ...nothing, [name]: coloured })
  expect(written(level, 'text', false)).toEqual({ ...nothing, [name]: 'text\n' })
})

test.each([
  ['', '\n', '\n'],
  ['a\n\tb', 'a\n\tb\n', 'a\n\tb\n'],
  ['a\r\b\x07b', 'a\\x0d\\x08\\x07b\n', 'a\\x0d\\x08\\x07b\n'],
  ['\x1b[2J\x1b]0;title\x07\x9b31m', '\\x1b[2J\\x1b]0;title\\x07\\x9b31m\n', '\\x1b[2J\\x1b]0;title\\x07\\x9b31m\n'],
  // A colour of the guest's ends with its text.
  ['\x1b[31mred', '\x1b[31mred\x1b[0m\n', '\\x1b[31mred\n'],
])('of %j a terminal gets %j', (text, onTerminal, elsewhere) => {
  expect(written('log', text, true).stdout).toBe(onTerminal)
  expect(written('log', text, false).stdout).toBe(elsewhere)
})

test('a guest cannot end the colour of its level for what follows', () => {
  expect(written('warn', '\x1b[7mx', true).stderr).toBe('\x1b[33m\x1b[7mx\x1b[39m\x1b[0m\n')
})

test.each([
  [1, 'glovebox: 1 call of console not shown: there were too many\n'],
  [1234, 'glovebox: 1234 calls of console not shown: there were too many\n'],
])('%i calls that were dropped are told', (dropped, note) => {
  expect(written('log', 'x', false, dropped)).toEqual({ stdout: 'x\n', stderr: note })
  expect(written('log', 'x', true, dropped)).toEqual({ stdout: 'x\n', stderr: `\x1b[2m${note.trimEnd()}\x1b[22m\n` })
})
