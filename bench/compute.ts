import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** What P4 has computed, at the top level of scripts. */
export interface Compute {
  /** Run once. */
  readonly setup: readonly string[]
  /** Runs again and again, and gives the same number each time. */
  readonly source: string
  /** Gives all that the work comes to. */
  readonly result: string
}

const RANDOM = 'var seed = 1; function random(below) { seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff; return seed % below }'
const WORDS = `${RANDOM}; var words = Array.from({ length: 40000 }, () => random(1e9).toString(36))`

const loop = (source: string, ...setup: string[]): Compute => ({ setup, source, result: source })

const globals = (steps: number): Compute => loop(`var sum = 0; for (var i = 0; i < ${steps}; i++) { sum = (sum + i * 3) | 0 } sum`)

/** In ECMAScript that all contenders know. Some ten milliseconds each where machine code is made of them. */
const LOOPS = {
  globals: globals(5_000_000),
  // So slow is a contextified object's global.
  'few-globals': globals(100_000),
  fib: loop('fib(31)', 'function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2) }'),
  regex: loop(
    'text.replace(/\\b([a-z]+)(\\d+)([a-z]*)\\b/g, "$3-$2-$1").match(/\\w{3,}-\\d-(?=[aeiou])/g).length',
    `${WORDS}; var text = words.join(" ")`,
  ),
  sort: loop('words.slice().sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)).indexOf(words[0])', `${WORDS}; words.length = 10000`),
  json: loop(
    'text = JSON.stringify(JSON.parse(text)); text.length',
    `${WORDS}; words.length = 5000; var text = JSON.stringify(words.map((word, id) => ({ id, word, tags: [word.slice(2), id % 7, id / 3, null, true] })))`,
  ),
} as const

/** Each is a module in jobs/, with a function `job` that gives a text. */
const LIBRARIES = [
  'handlebars',
  'mustache',
  'marked',
  'ajv',
  'acorn',
  'terser',
  'lodash',
  'papaparse',
  'yaml',
  'date-fns',
  'decimal',
  'typescript',
] as const

export type LoopName = keyof typeof LOOPS
export type LibraryName = (typeof LIBRARIES)[number]
export const LIBRARY_NAMES: readonly LibraryName[] = LIBRARIES

/** `{ loop }`, or `{ libraries }` whose jobs are done one after the other. */
export async function computeOf(settings: Readonly<Record<string, unknown>> | undefined): Promise<Compute> {
  const libraries = settings?.['libraries'] as readonly LibraryName[] | undefined
  if (libraries === undefined) return LOOPS[settings?.['loop'] as LoopName]
  return {
    setup: ['var jobs = [], texts = []', ...(await Promise.all(libraries.map(bundleOf)))],
    // A text is as large as a page: what travels, and what Node compares, is its length.
    source: 'texts = jobs.map((work) => work.job()); texts.join("").length',
    result: 'texts.join("\\n")',
  }
}

const bundles = new Map<LibraryName, Promise<string>>()

function bundleOf(library: LibraryName): Promise<string> {
  const made = bundles.get(library) ?? bundle(library)
  bundles.set(library, made)
  return made
}

/** One script, without imports: the same for all contenders. */
async function bundle(library: LibraryName): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`./jobs/${library}.js`, import.meta.url))],
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'work',
    platform: 'browser',
    target: 'esnext',
    // What a library finds of Node it would use: then it would not be the same work everywhere.
    define: { process: 'undefined', Buffer: 'undefined' },
    legalComments: 'none',
    logLevel: 'error',
    footer: { js: 'jobs.push(work)' },
  })
  const [file] = outputFiles
  if (file === undefined) throw new Error(`esbuild gave nothing for ${library}`)
  return file.text
}
