import { Command, CommanderError } from 'commander'
import { VERSION } from '../daemon/version.ts'
import { EXIT, exitCodeOf } from './exit-codes.ts'
import { describeFailure } from './failure.ts'
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
  // `glovebox status | head` closes the pipe early: no reason to complain.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
  try {
    await makeProgram().parseAsync(argv)
    return EXIT.ok
  } catch (error) {
    // Commander has written its own message, or the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
    process.stderr.write(`${describeFailure(error)}\n`)
    return exitCodeOf(error)
  }
}

/** The command line, with all its commands. */
export function makeProgram(): Command {
  const program = new Command('glovebox')
    .description('Runs JavaScript that you do not trust, in confined processes.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
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
