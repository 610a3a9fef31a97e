import { Command, CommanderError } from 'commander'
import { VERSION } from '../daemon/version.ts'
import { EXIT, exitCodeOf } from './exit-codes.ts'
import { describeFailure, failureToJson, FailureWithFigures } from './failure.ts'
import { addBench } from './bench/bench.ts'
import { addBundle } from './bundle.ts'
import { addCompletion } from './completion.ts'
import { addConfig } from './config.ts'
import { addDoctor } from './doctor.ts'
import { addRepl } from './repl/repl.ts'
import { addRun } from './run.ts'
import { addServe } from './serve.ts'
import { addStatus } from './status.ts'
import { addStop } from './stop.ts'
import { addToken } from './token.ts'
import { addTop } from './top/top.ts'

const EXAMPLES = `
Examples:
  glovebox run -e '6 * 7'              run code in a sandbox that is gone afterwards
  glovebox run rule.js --timeout 100   run a file, for 100 ms at most
  glovebox bundle lodash -o lodash.js  make one source of a package from npm
  glovebox serve --spare 4 &           start a daemon, which later runs find by themselves
  glovebox status                      see its workers
  glovebox stop                        let runs finish, then stop it

Exit codes:
  0 ok, 1 the guest failed, 2 usage, 3 daemon unavailable, 4 limit reached, 70 internal; 130 cancelled by Ctrl-C`

/** Runs one command. Resolves with the exit code of the process; everything that there is to say has been written by then. */
export async function runProgram(argv: readonly string[]): Promise<number> {
  watchOutput()
  const isJson = argv.includes('--json')
  try {
    await makeProgram().parseAsync(argv)
    return EXIT.ok
  } catch (thrown) {
    const { failure, figures } = thrown instanceof FailureWithFigures ? thrown : { failure: thrown, figures: {} }
    // Commander has written its own message, or the help that was asked for.
    const isUsage = failure instanceof CommanderError
    if (isUsage && failure.exitCode === 0) return EXIT.ok
    if (isJson) {
      const error = isUsage ? { exitCode: EXIT.usage, message: failure.message.replace(/^error: /, '') } : failureToJson(failure)
      process.stdout.write(`${JSON.stringify({ ok: false, error, ...figures })}\n`)
    }
    if (isUsage) return EXIT.usage
    process.stderr.write(`${describeFailure(failure)}\n`)
    return exitCodeOf(failure)
  }
}

/** A result that is lost on a full disk is no success. But `glovebox status | head` closes the pipe early: no reason to complain. */
function watchOutput(): void {
  process.stderr.on('error', () => undefined)
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return
    process.stderr.write(`glovebox: cannot write to standard output: ${error.message}\n`)
    // Whatever the command made of itself meanwhile.
    process.once('exit', () => {
      process.exitCode = EXIT.internal
    })
  })
}

/** The command line, with all its commands. */
export function makeProgram(): Command {
  const program = new Command('glovebox')
    .description('Runs JavaScript that you do not trust, in confined processes.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .showHelpAfterError("Run 'glovebox --help', or 'glovebox COMMAND --help'.")
    .addHelpText('after', EXAMPLES)
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error:/, 'glovebox:')) })
    .exitOverride()
  addServe(program)
  addRun(program)
  addRepl(program)
  addStatus(program)
  addTop(program)
  addStop(program)
  addDoctor(program)
  addToken(program)
  addConfig(program)
  addBundle(program)
  addBench(program)
  addCompletion(program)
  return program
}
