import { InvalidOptionError } from '../base/options.ts'
import { Script } from './compiler/script.ts'
import type { Scripts } from './compiler/scripts.ts'
import type { Due } from './due.ts'
import type { Lane } from './lane.ts'
import { makeContext, type Making } from './presets/making.ts'
import { checkSource, type RunSettings } from './run-options.ts'
import { type RunScript, runScript } from './source-maps.ts'

/** Where something is evaluated, and with what. */
export interface Evaluation {
  readonly context: number
  /** The messages that say so, for a source and for a script. */
  readonly as: { readonly source: 'run' | 'once' | 'onceWith'; readonly script: 'runScript' | 'onceScript' | 'onceScriptWith' }
  readonly payload: unknown
  /** Gets what is run, for stacks of what it throws later. */
  readonly remember: (script: RunScript) => RunScript
  /** How the context is made, if that is not as any. */
  readonly making?: Making | undefined
}

/** Has a worker evaluate a compiled script, by its hash, or a source, without its types. */
export function evaluate(
  lane: Lane,
  scripts: Scripts,
  source: string | Script,
  { timeoutMs, filename, language, signal, sourceMap, due, limits }: RunSettings,
  { context, as, payload, remember, making }: Evaluation,
): Promise<unknown> {
  const run = (code: string, script: RunScript, dueThen = due): Promise<unknown> => {
    const call = (): Promise<unknown> =>
      lane.call({ type: as.source, context, timeoutMs, filename, source: code }, payload, signal, remember(script), dueThen, limits)
    return making === undefined ? call() : makeContext(lane, context, making, [], call)
  }
  if (source instanceof Script) {
    const hash = Buffer.from(source.hash, 'hex')
    const forStacks = remember(source.forStacks())
    const call = (): Promise<unknown> => lane.call({ type: as.script, context, timeoutMs, hash }, payload, signal, forStacks, due, limits)
    return making === undefined ? lane.withScripts([source], call) : makeContext(lane, context, making, [source], call)
  }
  if (language !== 'ts') return run(source, runScript(source, filename, sourceMap))
  const sinceMs = performance.now()
  // The compiler's time does not count.
  const later = (): Due | undefined => (due === undefined ? undefined : { ...due, atMs: due.atMs + performance.now() - sinceMs })
  return scripts
    .compile(source, { language, format: 'script', filename, signal })
    .then((script) => run(script.code, script.forStacks(), later()))
}

/** Options that are settled when a source is compiled. */
const SETTLED = ['filename', 'language', 'sourceMap'] as const

/** Refuses what cannot be run: neither source nor script, too much of it, a module, or options that compiling settles. */
export function checkRunnable(
  source: unknown,
  maxSource: number,
  given: Pick<RunSettings, (typeof SETTLED)[number]>,
): asserts source is string | Script {
  if (!(source instanceof Script)) {
    if (typeof source === 'object') throw new InvalidOptionError('source', 'must be a string, or a Script of box.compile()', source)
    checkSource(source, maxSource)
    if (given.language === 'ts' && given.sourceMap !== undefined)
      throw new InvalidOptionError('sourceMap', 'is made when TypeScript is compiled', given.sourceMap)
    return
  }
  if (source.format === 'module') throw new InvalidOptionError('source', 'must be a script: a module is imported, not run', source)
  for (const name of SETTLED)
    if (given[name] !== undefined) throw new InvalidOptionError(name, 'is settled when a script is compiled', given[name])
}
