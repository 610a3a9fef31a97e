import { invalidType, notSupported } from './node-errors.ts'
import { dynamicImporter } from './module.ts'
import { optionsOf, sourceSettings } from './options.ts'
import { compile, type ScriptHost } from './script.ts'
import { checkArray, checkString, checkStrings } from './validate.ts'
import type { GuestFunction } from '../guest-function.ts'

/** A function of a context, as `vm.compileFunction` makes it. Whoever calls it awaits it. */
export type CompiledFunction = GuestFunction & {
  readonly cachedDataRejected?: boolean
  readonly cachedDataProduced?: boolean
  readonly cachedData?: Buffer
  readonly sourceMapURL?: string
}

export async function compileFunction(host: ScriptHost, code: unknown, params: unknown, options: unknown): Promise<CompiledFunction> {
  checkString(code, 'code')
  if (params !== undefined) checkStrings(params, 'params')
  const given = optionsOf(options)
  const settings = sourceSettings(given, '')
  const { parsingContext, contextExtensions = [] } = given
  if (parsingContext !== undefined && !isContext(host, parsingContext))
    throw invalidType('options.parsingContext', 'an instance of Context', parsingContext)
  checkArray(contextExtensions, 'options.contextExtensions')
  for (const [i, extension] of contextExtensions.entries())
    if (extension !== null && (typeof extension !== 'object' || Array.isArray(extension)))
      throw invalidType(`options.contextExtensions[${i}]`, 'of type object', extension)
  if (contextExtensions.length > 0)
    throw notSupported('contextExtensions', 'put what the function should see into its context, or give it as arguments')

  const { filename, lineOffset, columnOffset, cachedData, produceCachedData, importModuleDynamically } = settings
  const parameters = params ?? []
  const places = { filename, lineOffset, columnOffset }
  const compiled = await compile(host, { source: code, ...places }, { produceCachedData, cachedData, parameters })
  // It parses as a body, so it is one here, too; the text before it stands on its first line.
  const head = `(function (${parameters.join(',')}) {`
  const source = { source: `${head}${code}\n})`, ...places, columnOffset: columnOffset - head.length }
  const context = parsingContext === undefined ? host.thisContext() : host.contextOf(parsingContext)
  // The function is not there yet; node:vm gives it to the callback.
  const referrer: { fn?: CompiledFunction } = {}
  if (importModuleDynamically !== undefined)
    context.setImporter(filename, (...asked) => dynamicImporter(importModuleDynamically, referrer.fn)(...asked))
  const fn = (await context.run(source, { timeoutMs: undefined, breakOnSigint: false }, undefined)) as CompiledFunction
  referrer.fn = fn
  const about: Record<string, unknown> = {}
  if (compiled.sourceMapURL !== undefined) about['sourceMapURL'] = compiled.sourceMapURL
  if (cachedData !== undefined) about['cachedDataRejected'] = compiled.cachedDataRejected === true
  if (produceCachedData) Object.assign(about, { cachedDataProduced: compiled.cachedData !== undefined, cachedData: compiled.cachedData })
  return Object.assign(fn, about)
}

function isContext(host: ScriptHost, object: unknown): boolean {
  try {
    host.contextOf(object)
    return true
  } catch {
    return false
  }
}
