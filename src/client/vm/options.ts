import { MAX_NAME } from '../../protocol/limits.ts'
import { constants } from './constants.ts'
import type { DynamicImport } from './module.ts'
import { invalidValue, notSupported } from './node-errors.ts'
import {
  checkBoolean,
  checkBytes,
  checkInt32,
  checkInteger,
  checkObject,
  checkOneOf,
  checkString,
  type Options,
  checkFunction,
} from './validate.ts'

/** What gives a script its names and places. */
export interface SourceSettings {
  readonly filename: string
  readonly lineOffset: number
  readonly columnOffset: number
  readonly cachedData: Uint8Array | undefined
  readonly produceCachedData: boolean
  readonly importModuleDynamically: DynamicImport | undefined
}

export interface RunSettings {
  /** Milliseconds; undefined: the connection's default. */
  readonly timeoutMs: number | undefined
  readonly breakOnSigint: boolean
}

export interface ContextSettings {
  readonly importModuleDynamically: DynamicImport | undefined
}

/** The options of a source, or its name. */
export function optionsOf(given: unknown): Options {
  if (typeof given === 'string') return { filename: given }
  if (given === undefined) return {}
  checkObject(given, 'options')
  return given
}

export function sourceSettings(options: Options, defaultFilename: string): SourceSettings {
  const { filename = defaultFilename, lineOffset = 0, columnOffset = 0, produceCachedData = false, importModuleDynamically } = options
  checkString(filename, 'options.filename')
  if (filename.length > MAX_NAME) throw invalidValue('options.filename', filename, `must have at most ${MAX_NAME} characters`)
  // Stacks leave frames of such scripts out.
  if (/^(?:glovebox|node):/.test(filename)) throw invalidValue('options.filename', filename, "must not begin with 'glovebox:' or 'node:'")
  checkInt32(lineOffset, 'options.lineOffset')
  checkInt32(columnOffset, 'options.columnOffset')
  const cachedData = checkBytes(options['cachedData'], 'options.cachedData')
  checkBoolean(produceCachedData, 'options.produceCachedData')
  return { filename, lineOffset, columnOffset, cachedData, produceCachedData, importModuleDynamically: importerOf(importModuleDynamically) }
}

export function runSettings(given: unknown): RunSettings {
  const options = given === undefined ? {} : given
  checkObject(options, 'options')
  const { timeout, displayErrors = true, breakOnSigint = false } = options
  if (timeout !== undefined) checkInteger(timeout, 'options.timeout', 1, 4294967295)
  checkBoolean(displayErrors, 'options.displayErrors')
  checkBoolean(breakOnSigint, 'options.breakOnSigint')
  return { timeoutMs: timeout, breakOnSigint }
}

/** Those of `createContext`. */
export function contextSettings(given: unknown): ContextSettings {
  const options = given === undefined ? {} : given
  checkObject(options, 'options')
  const { name, origin, codeGeneration, microtaskMode, importModuleDynamically } = options
  if (name !== undefined) checkString(name, 'options.name')
  if (origin !== undefined) checkString(origin, 'options.origin')
  if (codeGeneration !== undefined) checkObject(codeGeneration, 'options.codeGeneration')
  const { strings = true, wasm = true } = codeGeneration ?? {}
  checkBoolean(strings, 'options.codeGeneration.strings')
  checkBoolean(wasm, 'options.codeGeneration.wasm')
  checkOneOf(microtaskMode, 'options.microtaskMode', ['afterEvaluate', undefined])
  if (!strings || !wasm) throw notSupported('codeGeneration', 'contexts may always generate code, within their own realm')
  return { importModuleDynamically: importerOf(importModuleDynamically) }
}

/** Those of `runInNewContext`, as `createContext` takes them. */
export function newContextOptions({ contextName, contextOrigin, contextCodeGeneration, microtaskMode }: Options): Options {
  if (contextName !== undefined) checkString(contextName, 'options.contextName')
  if (contextOrigin !== undefined) checkString(contextOrigin, 'options.contextOrigin')
  if (contextCodeGeneration !== undefined) {
    checkObject(contextCodeGeneration, 'options.contextCodeGeneration')
    const { strings, wasm } = contextCodeGeneration
    if (strings !== undefined) checkBoolean(strings, 'options.contextCodeGeneration.strings')
    if (wasm !== undefined) checkBoolean(wasm, 'options.contextCodeGeneration.wasm')
  }
  if (microtaskMode !== undefined) checkString(microtaskMode, 'options.microtaskMode')
  return { name: contextName, origin: contextOrigin, codeGeneration: contextCodeGeneration, microtaskMode }
}

function importerOf(importModuleDynamically: unknown): DynamicImport | undefined {
  if (importModuleDynamically === undefined) return undefined
  if (importModuleDynamically === constants.USE_MAIN_CONTEXT_DEFAULT_LOADER)
    throw notSupported('constants.USE_MAIN_CONTEXT_DEFAULT_LOADER', "a guest has no access to this process's modules")
  checkFunction(importModuleDynamically, 'options.importModuleDynamically')
  return importModuleDynamically as DynamicImport
}
