import 'virtual:piscina-thread'
import { compile } from './compile.ts'
import { readyLexer } from './dynamic-imports.ts'
import { attestOwnLayers, renounceOwnRights } from './thread-confinement.ts'

/** What a thread is asked once for: not before all of them are at it, so that no thread does it twice while another does not. */
export interface Roll<Work> {
  readonly work: Work
  /** How many are at it, and how many there are. */
  readonly present: Int32Array
  readonly threads: number
}

/** How long to wait for the others, in milliseconds: far longer than they take to start. */
const ROLL_CALL_MS = 20_000

/** Something of everything, so that nothing is left to be loaded or compiled later. */
const SAMPLES = ['let x: number = 1', 'enum A { B }\nnamespace C { export const d = A.B }', 'import("x")', 'let x: =']

const once =
  <Work, Result>(task: (work: Work) => Result) =>
  ({ work, present, threads }: Roll<Work>): Result => {
    Atomics.add(present, 0, 1)
    Atomics.notify(present, 0)
    for (let count = Atomics.load(present, 0); count < threads; count = Atomics.load(present, 0)) {
      if (Atomics.wait(present, 0, count, ROLL_CALL_MS) === 'timed-out') throw new Error('a thread of the compiler did not start')
    }
    return task(work)
  }

async function warmUp(): Promise<void> {
  await readyLexer()
  for (const source of SAMPLES) {
    for (const format of ['script', 'module'] as const) compile({ language: 'ts', format, filename: undefined, source, cache: true })
  }
}

/** What the pool may ask of a thread, by name. */
export const tasks = { warmUp: once(warmUp), renounce: once(renounceOwnRights), attest: once(attestOwnLayers), compile }
