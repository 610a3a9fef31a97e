import { styleText } from 'node:util'
import type { ConsoleEvent } from '../client/index.ts'
import { hasColours, printable } from './printable.ts'

const COLOURS = { debug: 'dim', log: undefined, info: undefined, warn: 'yellow', error: 'red', trace: undefined } as const
const RESET = '\x1b[0m'

export interface OutputStreams {
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
}

/** Writes what a guest logged where Node would: warnings, errors and traces to standard error, the rest to standard output. The text is HOSTILE. */
export function printConsole(event: Pick<ConsoleEvent, 'level' | 'text' | 'dropped'>, { stdout, stderr }: OutputStreams): void {
  const { level, dropped } = event
  if (dropped > 0) {
    const note = `glovebox: ${dropped} call${dropped > 1 ? 's' : ''} of console not shown: there were too many`
    stderr.write(`${hasColours(stderr) ? styleText('dim', note, { validateStream: false }) : note}\n`)
  }
  const stream = level === 'warn' || level === 'error' || level === 'trace' ? stderr : stdout
  const colours = hasColours(stream)
  const text = printable(event.text, colours)
  const colour = COLOURS[level]
  const coloured = colours && colour !== undefined ? styleText(colour, text, { validateStream: false }) : text
  // A colour that the guest has set must not go on after its text.
  stream.write(`${coloured}${text.includes('\x1b') ? RESET : ''}\n`)
}
