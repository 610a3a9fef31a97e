import { type Command, Option } from 'commander'
import { type Box, connect, type ConnectOptions, type Context, type RunOptions } from '../client/index.ts'
import { addConnectionOptions, connectOptions, type ConnectionFlags } from './connection-options.ts'
import { printConsole } from './console-output.ts'
import { diskModules } from './disk-modules.ts'
import { FailureWithFigures } from './failure.ts'
import { Interrupt } from './interrupted.ts'
import { hasColours } from './printable.ts'
import { parseBytes, parseWhole } from './quantity.ts'
import { type RunSource, readRunSource } from './run-source.ts'
import { describeStats, measureRun, type RunStats } from './run-stats.ts'
import { shownValue, valueToJson } from './shown-value.ts'
import { Spinner } from './spinner.ts'

const EXAMPLES = `
Examples:
  glovebox run -e '[3, 1, 2].sort()'       prints [ 1, 2, 3 ]
  glovebox run rule.js --timeout 100       stops it after 100 ms, with exit code 4
  glovebox run rule.ts --stats             strips the types, runs it, and says what that took
  glovebox run plugin.mjs                  imports the module, and what it imports from its folder and below
  glovebox run --language ts -e 'let x: number = 1; x'
  glovebox run agent.js --trust hostile    in a process of its own, with tighter limits; --no-jit leaves out V8's compiler
  glovebox run --module -e 'console.log(await 42)'
  curl -s https://example.org/a.js | glovebox run --filename a.js
  glovebox run -e '({ a: 1 })' --json      prints {"ok":true,"value":{"a":1},"text":"{ a: 1 }"}

Without a running daemon, one is started for this run. The value of the last expression is printed, awaited if it is a promise;
undefined prints nothing. What the code writes to its console is shown as it comes, with --json on standard error.
Ctrl-C cancels the run, and the exit code is 130 then.`

const TRUSTS = ['team', 'tenant', 'hostile'] as const satisfies readonly ConnectOptions['trust'][]

interface RunFlags extends ConnectionFlags {
  readonly eval?: string
  readonly timeout?: number
  readonly json?: true
  readonly stats?: true
  readonly module?: true
  readonly filename?: string
  readonly language?: 'js' | 'ts'
  readonly dedicated?: true
  readonly memory?: number
  readonly trust?: (typeof TRUSTS)[number]
  readonly jit: boolean
}

export function addRun(program: Command): void {
  const command = program
    .command('run')
    .description('run a script or a module in a context of its own, and print the result of a script')
    .argument('[file]', "script or module to run; without it, or as '-', standard input")
    .option('-e, --eval <code>', 'run this code')
    .option('--timeout <ms>', "deadline, for everything that the code does (default: the daemon's)", parseWhole)
    .addOption(new Option('--language <language>', "of the code (default: by the file's extension)").choices(['js', 'ts']))
    .option('--module', 'the code is a module, whatever its extension; it imports from its folder and below')
    .option('--filename <name>', 'name of the code in stack traces')
    .option('--dedicated', 'in a process of its own, which is gone afterwards')
    .option('--memory <bytes>', "V8 heap of its worker, as bytes or 256M (default: the daemon's)", parseBytes)
    .addOption(new Option('--trust <trust>', 'who may share its process: docs/placement.md').choices(TRUSTS))
    .option('--no-jit', 'V8 interprets, and makes no machine code; there is no WebAssembly')
    .option('--stats', 'say what the run took: time, processor time, memory')
    .option('--json', 'print one line of JSON, for failures too')
  addConnectionOptions(command).addHelpText('after', EXAMPLES).action(run)
}

/** How it went. `stats` are undefined where none were asked for. */
interface Ran {
  readonly value?: unknown
  readonly error?: Error
  readonly stats: RunStats | undefined
}

async function run(file: string | undefined, flags: RunFlags): Promise<void> {
  const isJson = flags.json === true
  const { value, error, stats } = await attempt(file, flags)
  const more = stats === undefined ? {} : { stats }
  if (error === undefined && isJson) process.stdout.write(`${JSON.stringify({ ok: true, ...valueToJson(value), ...more })}\n`)
  else if (value !== undefined) process.stdout.write(`${shownValue(value, hasColours(process.stdout))}\n`)
  if (stats !== undefined && !isJson) process.stderr.write(`${describeStats(stats)}\n`)
  if (error !== undefined) throw new FailureWithFigures(error, more)
}

async function attempt(file: string | undefined, flags: RunFlags): Promise<Ran> {
  const source = await readRunSource(file, flags.eval)
  using interrupt = new Interrupt()
  using spinner = new Spinner(process.stderr, 'running', flags.json !== true)
  try {
    await using box = await connect({ ...connectOptions(flags), ...placementOf(flags) })
    // Standard output is for the result alone where a program reads it.
    const streams = { stdout: flags.json === true ? process.stderr : process.stdout, stderr: process.stderr }
    box.on('console', (event) => {
      spinner.clear()
      printConsole(event, streams)
    })
    return await evaluate(box, file, source, flags, interrupt.signal)
  } catch (error) {
    return { error: error as Error, stats: undefined }
  }
}

/** Where it runs. All that this connection does is the one run: its worker is the connection's. */
function placementOf({ memory, trust, jit }: RunFlags): ConnectOptions {
  return {
    ...(memory === undefined ? {} : { limits: { memory } }),
    ...(trust === undefined ? {} : { trust }),
    ...(jit ? {} : { jit }),
  }
}

async function evaluate(box: Box, file: string | undefined, source: RunSource, flags: RunFlags, signal: AbortSignal): Promise<Ran> {
  const { filename = source.filename, language = source.language, timeout } = flags
  const timed = { signal, ...(timeout === undefined ? {} : { timeout }) }
  const isModule = source.isModule === true || flags.module === true
  const { dedicated } = flags
  if (!isModule && flags.stats !== true) {
    const own = dedicated === true ? ({ fresh: 'process' } as const) : {}
    return { value: await box.run(source.code, { filename, language, ...timed, ...own }), stats: undefined }
  }
  await using context = await box.createContext({}, { signal, ...(dedicated === true ? { dedicated } : {}) })
  const evaluated = isModule
    ? () => importModule(context, file ?? source.filename, { ...source, filename, language }, timed)
    : () => context.run(source.code, { filename, language, ...timed })
  if (flags.stats !== true) return { value: await evaluated(), stats: undefined }
  const measured = await measureRun(box, context.worker)
  try {
    const value = await evaluated()
    return { value, stats: await measured() }
  } catch (error) {
    return { error: error as Error, stats: await measured(error as Error) }
  }
}

/** A module is imported for what it does: its exports are nobody's here. */
async function importModule(context: Context, path: string, source: RunSource, timed: Pick<RunOptions, 'timeout' | 'signal'>) {
  const { entry, resolve } = diskModules(source, path)
  await context.import(entry, { modules: resolve, exports: false, ...timed })
  return undefined
}
