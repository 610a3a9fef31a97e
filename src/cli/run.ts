import { inspect, isDeepStrictEqual } from 'node:util'
import { type Command, Option } from 'commander'
import { type Box, connect, type OneShotOptions } from '../client/index.ts'
import { type OutputStreams, printConsole } from './console-output.ts'
import { diskModules } from './disk-modules.ts'
import { failureToJson } from './failure.ts'
import { hasColours, printable } from './printable.ts'
import { parseWhole } from './quantity.ts'
import { type RunSource, readRunSource } from './run-source.ts'

const EXAMPLES = `
Examples:
  glovebox run -e '[3, 1, 2].sort()'       prints [ 1, 2, 3 ]
  glovebox run rule.js --timeout 100       stops it after 100 ms, with exit code 4
  glovebox run rule.ts                     strips the types, and runs it
  glovebox run plugin.mjs                  imports the module, and what it imports from its folder and below
  glovebox run --language ts -e 'let x: number = 1; x'
  curl -s https://example.org/a.js | glovebox run --filename a.js
  glovebox run -e '({ a: 1 })' --json      prints {"ok":true,"value":{"a":1},"text":"{ a: 1 }"}

Without a running daemon, one is started for this run. The value of the last expression is printed, awaited if it is a promise;
undefined prints nothing. What the code writes to its console is shown as it comes, with --json on standard error.`

interface RunFlags {
  readonly eval?: string
  readonly timeout?: number
  readonly socket?: string
  readonly json?: true
  readonly filename?: string
  readonly language?: 'js' | 'ts'
}

export function addRun(program: Command): void {
  program
    .command('run')
    .description('run a script or a module in a context of its own, and print the result of a script')
    .argument('[file]', "script or module to run; without it, or as '-', standard input")
    .option('-e, --eval <code>', 'run this code')
    .option('--timeout <ms>', "deadline, for everything that the code does (default: the daemon's)", parseWhole)
    .addOption(new Option('--language <language>', "of the code (default: by the file's extension)").choices(['js', 'ts']))
    .option('--filename <name>', 'name of the code in stack traces')
    .option('--socket <path>', 'socket of a running daemon (default: $GLOVEBOX_SOCKET, or the one that is running)')
    .option('--json', 'print one line of JSON, for failures too')
    .addHelpText('after', EXAMPLES)
    .action(run)
}

async function run(file: string | undefined, flags: RunFlags): Promise<void> {
  const source = await readRunSource(file, flags.eval)
  const filename = flags.filename ?? source.filename
  const { timeout, language = source.language } = flags
  const options = { filename, language, ...(timeout === undefined ? {} : { timeout }) }
  try {
    // Standard output is for the result alone where a program reads it.
    const streams = { stdout: flags.json === true ? process.stderr : process.stdout, stderr: process.stderr }
    const run = source.isModule === true && file !== undefined ? moduleRun(file, source, options) : scriptRun(source.code, options)
    const value = await evaluate(run, flags.socket, streams)
    if (flags.json === true) writeJson({ ok: true, ...valueToJson(value) })
    else if (value !== undefined) writeValue(value)
  } catch (error) {
    if (flags.json === true) writeJson({ ok: false, error: failureToJson(error) })
    throw error
  }
}

type Run = (box: Box) => Promise<unknown>

const scriptRun =
  (code: string, options: OneShotOptions): Run =>
  (box) =>
    box.run(code, options)

/** A module is imported for what it does: its exports are nobody's here. */
function moduleRun(
  file: string,
  source: RunSource,
  { filename = source.filename, language = source.language, timeout }: OneShotOptions,
): Run {
  const { entry, resolve } = diskModules({ ...source, filename, language }, file)
  return async (box) => {
    await using context = await box.createContext()
    await context.import(entry, { modules: resolve, exports: false, ...(timeout === undefined ? {} : { timeout }) })
    return undefined
  }
}

async function evaluate(run: Run, socket: string | undefined, streams: OutputStreams): Promise<unknown> {
  await using box = await connect(socket === undefined ? {} : { socket })
  box.on('console', (event) => printConsole(event, streams))
  return await run(box)
}

/** As a REPL shows it. Nothing in a guest's value decides how it is shown. */
function inspected(value: unknown, colors: boolean): string {
  return printable(inspect(value, { colors, customInspect: false, depth: 4 }), colors)
}

function writeValue(value: unknown): void {
  process.stdout.write(`${inspected(value, hasColours(process.stdout))}\n`)
}

/** `value` is there only if JSON can say all of it: a Map would come out as `{}`. `text` always is. */
function valueToJson(value: unknown): { readonly value?: unknown; readonly text: string } {
  const text = inspected(value, false)
  try {
    const lossless = isDeepStrictEqual(JSON.parse(JSON.stringify(value)), value)
    return lossless ? { value, text } : { text }
  } catch {
    return { text }
  }
}

function writeJson(document: unknown): void {
  process.stdout.write(`${JSON.stringify(document)}\n`)
}
