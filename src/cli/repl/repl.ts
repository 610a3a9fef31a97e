import type { CompleterResult } from 'node:readline'
import { Recoverable, type REPLServer, start } from 'node:repl'
import { callbackify } from 'node:util'
import { type Command, Option } from 'commander'
import { connect } from '../../client/index.ts'
import { VERSION } from '../../daemon/version.ts'
import { addConnectionOptions, connectOptions, type ConnectionFlags } from '../connection-options.ts'
import { printConsole } from '../console-output.ts'
import { describeFailure } from '../failure.ts'
import { InterruptedError } from '../interrupted.ts'
import { hasColours } from '../printable.ts'
import { parseWhole } from '../quantity.ts'
import { complete } from './completer.ts'
import { defineCommands } from './dot-commands.ts'
import { historyFile } from './history-file.ts'
import { rewrite, rewriteTypeScript } from './rewrite.ts'
import { Session } from './session.ts'
import { Turns } from './turns.ts'

const EXAMPLES = `
Examples:
  glovebox repl                          type code, see its value; .help lists the commands
  glovebox repl --timeout 60000          each line may take a minute
  glovebox repl --language ts            takes TypeScript
  glovebox repl --depth 5                values are shown five levels deep
  echo '6 * 7' | glovebox repl           prints 42

Values are shown where they are, by code that calls no getter. await works at the top level, _ is the last value, _error the last error. Tab completes names of the
context. Ctrl-C interrupts what runs, and the context stays; Ctrl-D leaves. What was typed is kept in $GLOVEBOX_REPL_HISTORY, or
$XDG_STATE_HOME/glovebox/repl_history.`

const DEFAULT_DEPTH = 2

interface ReplFlags extends ConnectionFlags {
  readonly timeout?: number
  readonly depth: number
  readonly language: 'js' | 'ts'
}

export function addRepl(program: Command): void {
  const command = program
    .command('repl')
    .description('type code, and see what it gives, in a context that stays')
    .option('--timeout <ms>', "deadline of each line (default: the daemon's)", parseWhole)
    .addOption(new Option('--language <language>', 'of what is typed').choices(['js', 'ts']).default('js'))
    .option('--depth <levels>', 'how deep values are shown', parseWhole, DEFAULT_DEPTH)
  addConnectionOptions(command).addHelpText('after', EXAMPLES).action(repl)
}

async function repl(flags: ReplFlags): Promise<void> {
  await using box = await connect(connectOptions(flags))
  const isTerminal = process.stdin.isTTY && process.stdout.isTTY
  const showing = { depth: flags.depth, width: process.stdout.columns || 80 }
  const turns = new Turns()
  const write = (print: () => void): void => turns.besides(print)
  const session = new Session(box, {
    timeout: flags.timeout,
    colours: hasColours(process.stdout),
    onConsole: (event) => write(() => printConsole(event, process)),
    onUncaught: (text) => write(() => void process.stderr.write(`${text}\n`)),
  })
  await session.use(session.name)
  if (isTerminal) process.stdout.write(`Glovebox ${VERSION}. Code runs in a sandbox. Type .help for more.\n`)

  const server = start({
    prompt: isTerminal ? '> ' : '',
    terminal: isTerminal,
    useColors: hasColours(process.stdout),
    preview: false,
    ignoreUndefined: true,
    eval: (typed, _context, _file, done) => {
      const rewritten = flags.language === 'ts' ? rewriteTypeScript(typed, showing) : rewrite(typed, showing)
      if (rewritten === 'incomplete') return done(new Recoverable(new SyntaxError('more is to come')), undefined)
      // At once: Node's own loop would mix up lines that come meanwhile. The value is written when it is there.
      turns.take(async (signal) => {
        if (typed.trim() !== '') process.stdout.write(`${await session.evaluate(rewritten, signal)}\n`)
      })
      done(null, undefined)
    },
    completer: callbackify(async (line: string): Promise<CompleterResult> => {
      return turns.isBusy ? [[], line] : complete(session, Object.keys(server.commands), line)
    }),
  })
  if (!isTerminal) server.displayPrompt = () => undefined
  turns.attach(server, isTerminal ? () => prompt(session) : () => '')
  defineCommands(server, { session, turns, showing })
  interruptBy(server, turns)
  const history = isTerminal ? historyFile() : undefined
  if (history !== undefined) server.setupHistory(history, (error) => void (error && process.stderr.write(`${describeFailure(error)}\n`)))
  await new Promise<void>((resolve) => server.once('exit', resolve))
  await turns.over()
}

const prompt = ({ name, names }: Session): string => (names.length > 1 || name !== 'main' ? `${name}> ` : '> ')

/** Ctrl-C is for what runs; if nothing does, it is as in Node's REPL. */
function interruptBy(server: REPLServer, turns: Turns): void {
  const otherwise = server.listeners('SIGINT')
  server.removeAllListeners('SIGINT')
  server.on('SIGINT', () => {
    if (turns.isBusy) turns.interrupt(new InterruptedError())
    else for (const listener of otherwise) Reflect.apply(listener, server, [])
  })
}
