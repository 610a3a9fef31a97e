import { build } from 'esbuild'
import { type Context, createContext, runInContext } from 'node:vm'

const contents = `
  import { inspect } from './inspect.ts'
  import { newBudget } from './inspect/budget.ts'
  export { createConsole } from './console.ts'
  export const show = (value, { depth = 2, hidden = false } = {}) => inspect(value, { depth, hidden, maxItems: 100, lineWidth: 80 }, newBudget())`

/** The console as it runs in a guest: the text of a script that defines `side`. */
async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: new URL('../../src/worker/realm', import.meta.url).pathname },
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'side',
    target: 'node26',
  })
  return outputFiles[0]!.text
}
const source = bundle()

export interface ConsoleRealm {
  readonly context: Context
  /** Evaluates guest code. */
  run(code: string): unknown
  /** Our inspection of a value, in the guest's realm. */
  show(value: unknown, options?: { readonly depth?: number; readonly hidden?: boolean }): string
}

/** A context that has nothing but ECMAScript and the console's code, which is evaluated after `before`. */
export async function makeConsoleRealm(before = ''): Promise<ConsoleRealm> {
  const script = await source
  const context = createContext()
  const run = (code: string): unknown => runInContext(code, context, { filename: 'guest.js' }) as unknown
  run(before)
  runInContext(script, context, { filename: 'glovebox:realm' })
  return { context, run, show: run('side.show') as ConsoleRealm['show'] }
}
