import { readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { text } from 'node:stream/consumers'
import { UsageError } from './usage-error.ts'

/** Code to run, its language, and the name that its stack traces show. */
export interface RunSource {
  readonly code: string
  readonly filename: string
  readonly language: 'js' | 'ts'
  /** A module, by its path: what it imports is read from disk. */
  readonly isModule?: true
}

/** Extensions of TypeScript. */
const TYPESCRIPT = ['.ts', '.cts', '.mts']
const MODULES = ['.mjs', '.mts']
const JSX = ['.tsx', '.jsx']

/** The code that the command line names: a file, `-e CODE`, or else standard input (also as `-`). */
export async function readRunSource(file: string | undefined, code: string | undefined): Promise<RunSource> {
  if (code !== undefined) {
    if (file !== undefined) throw new UsageError(`both '${file}' and -e are given; give one`)
    return { code, filename: '[eval]', language: 'js' }
  }
  if (file !== undefined && file !== '-') {
    const source = { code: await readFileToRun(file), filename: file, language: languageOf(file) }
    return MODULES.includes(extname(file).toLowerCase()) ? { ...source, isModule: true } : source
  }
  if (file === undefined && process.stdin.isTTY) {
    throw new UsageError("there is nothing to run: give a FILE, -e CODE, or pipe code in ('-' reads from the terminal)")
  }
  return { code: await text(process.stdin), filename: '[stdin]', language: 'js' }
}

function languageOf(file: string): RunSource['language'] {
  return TYPESCRIPT.includes(extname(file).toLowerCase()) ? 'ts' : 'js'
}

async function readFileToRun(file: string): Promise<string> {
  if (JSX.includes(extname(file).toLowerCase()))
    throw new UsageError(`cannot run '${file}': no engine runs JSX; bundle it first, 'glovebox bundle ${file} -o FILE.js', and run that`)
  try {
    // As Node does: a byte order mark would keep a hashbang from being one.
    return (await readFile(file, 'utf8')).replace(/^\ufeff/, '')
  } catch (error) {
    throw new UsageError(`cannot read '${file}': ${(error as Error).message}`)
  }
}
