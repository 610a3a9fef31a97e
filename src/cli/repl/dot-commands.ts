import type { REPLServer } from 'node:repl'
import { printable } from '../printable.ts'
import type { Showing } from './rewrite.ts'
import type { Session } from './session.ts'
import type { Turns } from './turns.ts'

interface Commanded {
  readonly session: Session
  readonly turns: Turns
  readonly showing: { -readonly [Key in keyof Showing]: Showing[Key] }
}

/** Deeper than anything that a worker would send. */
const ALL_LEVELS = 1_000

/** Besides Node's own: .break, .editor, .exit, .help, .load, .save. */
export function defineCommands(server: REPLServer, { session, turns, showing }: Commanded): void {
  server.defineCommand('context', {
    help: 'Go to the context of that name, new if need be; alone, list them',
    action(name) {
      turns.take(async () => {
        if (name === '') {
          const list = session.names.map((each) => `${each === session.name ? '* ' : '  '}${printable(each, false)}`)
          process.stdout.write(`${list.join('\n')}\n`)
        } else if ((await session.use(name)) === 'made') process.stdout.write(`Made the context ${printable(name, false)}.\n`)
      })
      server.displayPrompt()
    },
  })
  server.defineCommand('clear', {
    help: 'Begin anew: the context is replaced by an empty one',
    action() {
      turns.take(async () => {
        await session.reset()
        process.stdout.write('The context is a new one.\n')
      })
      server.displayPrompt()
    },
  })
  server.defineCommand('depth', {
    help: 'Show values so many levels deep, or all of them',
    action(levels) {
      const wanted = levels === 'all' ? ALL_LEVELS : /^\d{1,3}$/.test(levels) ? Number(levels) : undefined
      if (wanted === undefined) process.stdout.write(`Values are shown ${showing.depth} levels deep. Give a number, or all.\n`)
      else showing.depth = wanted
      server.displayPrompt()
    },
  })
}
