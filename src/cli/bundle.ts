import { realpath, writeFile } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import { type Bundle, bundle as makeBundle, type BundleRequest } from './bundler.ts'
import { printable } from './printable.ts'
import { formatBytes } from './quantity.ts'
import { UsageError } from './usage-error.ts'

const EXAMPLES = `
Examples:
  glovebox bundle lodash -o lodash.js                     a script whose value is the package's exports
  glovebox bundle lodash -o lodash.js --name _            a script that sets the global _
  glovebox bundle ./plugin.ts -o plugin.mjs --format module --minify
  glovebox bundle ./rules.js -o rules.js --stub           built-ins of Node are empty modules
  glovebox bundle ./rules.js -o out.js --json | jq '.inputs[].path'

Nothing is run, and nothing but the output is written. Needs esbuild: npm install --save-dev esbuild`

interface BundleFlags extends Omit<BundleRequest, 'entry' | 'output' | 'define'> {
  readonly output: string
  readonly define: readonly string[]
  readonly json?: true
}

export function addBundle(program: Command): void {
  const list = (value: string, earlier: readonly string[]): readonly string[] => [...earlier, value]
  program
    .command('bundle')
    .description('make one source for guests of a file or package, and of all that it imports')
    .argument('<entry>', 'file, or name of a package that is installed here')
    .requiredOption('-o, --output <file>', 'where to write the source; an existing file is replaced')
    .addOption(
      new Option('--format <format>', 'script: its value is the exports; module: it exports')
        .choices(['script', 'module'])
        .default('script'),
    )
    .option('--name <name>', 'set the global of this name to the exports, in place of giving them as value')
    .option('--minify', 'write as little as possible')
    .addOption(
      new Option('--sourcemap [where]', 'with a source map: at the end of the source (inline), or in a file beside it')
        .choices(['inline', 'file'])
        .preset('inline'),
    )
    .option('--define <name=value>', 'replace a global, or a path such as process.env.X, by JSON or a name (repeatable)', list, [])
    .option('--external <package>', 'leave imports of it as they are (repeatable)', list, [])
    .option('--stub', 'take built-ins of Node that are imported for empty modules')
    .option('--json', 'print one line of JSON, for failures too')
    .addHelpText('after', EXAMPLES)
    .action(bundle)
}

async function bundle(entry: string, flags: BundleFlags): Promise<void> {
  const made = await makeBundle({ ...flags, entry, define: readDefines(flags.define) })
  await refuseInput(flags.output, made)
  for (const [path, contents] of made.files) await write(path, contents)
  process.stdout.write(flags.json === true ? `${JSON.stringify({ ok: true, ...summaryOf(flags, made) })}\n` : describe(flags, made))
  if (made.warnings !== '') process.stderr.write(printable(made.warnings, false))
}

function readDefines(given: readonly string[]): Readonly<Record<string, string>> {
  const defines = given.map((each) => {
    const at = each.indexOf('=')
    if (at < 1) throw new UsageError(`--define takes NAME=VALUE, got '${each}'`)
    return [each.slice(0, at), each.slice(at + 1)]
  })
  return Object.fromEntries(defines) as Record<string, string>
}

/** By their real paths: the output may be a link to what would be lost. */
async function refuseInput(output: string, { inputs }: Bundle): Promise<void> {
  const real = await realpath(output).catch(() => undefined)
  if (real === undefined) return
  for (const { path } of inputs) {
    if (real === (await realpath(path).catch(() => undefined)))
      throw new UsageError(`the output '${output}' is one of the files to be bundled`)
  }
}

async function write(path: string, contents: Uint8Array): Promise<void> {
  try {
    await writeFile(path, contents)
  } catch (error) {
    throw new UsageError(`cannot write '${path}': ${(error as Error).message}`)
  }
}

function summaryOf({ output, format }: BundleFlags, { bytes, inputs, stubbed }: Bundle): Record<string, unknown> {
  return { output, format, bytes, inputs, stubbed }
}

function describe({ output }: BundleFlags, { bytes, inputs, stubbed }: Bundle): string {
  const stubs = stubbed.length === 0 ? '' : `, without ${stubbed.join(', ')}`
  return printable(`${output}: ${formatBytes(bytes)} from ${inputs.length} file${inputs.length === 1 ? '' : 's'}${stubs}\n`, false)
}
