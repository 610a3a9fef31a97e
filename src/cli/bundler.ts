import { isBuiltin } from 'node:module'
import { isAbsolute, resolve } from 'node:path'
import type { BuildFailure, BuildOptions, BuildResult, Message, OutputFile, PartialMessage, Plugin } from 'esbuild'
import { inlineSourceMapAt } from '../client/inline-source-map.ts'
import { BundleError } from './bundle-error.ts'
import { type Esbuild, loadEsbuild } from './esbuild.ts'
import { UsageError } from './usage-error.ts'

export interface BundleRequest {
  readonly entry: string
  readonly output: string
  readonly format: 'script' | 'module'
  /** The global that a script sets. Without it, the exports are the script's value. */
  readonly name?: string
  readonly minify?: true
  readonly sourcemap?: 'inline' | 'file'
  readonly define: Readonly<Record<string, string>>
  readonly external: readonly string[]
  /** Whether built-ins of Node are replaced by empty modules. */
  readonly stub?: true
}

export interface Bundle {
  /** What to write: the source, and its map if that has a file of its own. */
  readonly files: readonly (readonly [path: string, contents: Uint8Array])[]
  /** Of the source. */
  readonly bytes: number
  readonly inputs: readonly { readonly path: string; readonly bytes: number }[]
  /** Built-ins of Node that are empty modules now, and stay so however often they are imported. */
  readonly stubbed: readonly string[]
  /** For people; empty if there are none. */
  readonly warnings: string
}

/** One import of a built-in, by file and specifier. */
interface BuiltinImport {
  readonly importer: string
  readonly specifier: string
}
type Built = BuildResult<{ readonly write: false; readonly metafile: true }>

/** A script's value is that of its last statement, and `var` has none: so the bundle goes into a function. It adds a line, which source maps know of. */
const EXPORTS_AS_VALUE = { globalName: 'glovebox_exports', banner: { js: '(() => {' }, footer: { js: 'return glovebox_exports\n})()' } }
/** Without the last line the value would be `'use strict'`, where the bundle begins with that. */
const asGlobal = (name: string): BuildOptions => ({ globalName: name, footer: { js: 'void 0' } })
const UNRESOLVED = /^Could not resolve "(.*)"$/
const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$_\u200c\u200d]*$/u

const MAP_TOO_LONG: PartialMessage = {
  text: 'The source map is longer than Glovebox reads at the end of a source. Write it to a file, with --sourcemap file.',
}

/**
 * Makes one source of an entry and all that it imports, which runs where there is no module system and nothing of Node's.
 * @throws BundleError for what cannot be bundled, UsageError for what was not asked for as it must be
 */
export async function bundle(request: BundleRequest): Promise<Bundle> {
  const { name, format } = request
  if (name !== undefined && !IDENTIFIER.test(name)) throw new UsageError(`--name must be the name of a global, got '${name}'`)
  if (name !== undefined && format === 'module') throw new UsageError('--name is for scripts: a module exports')
  const esbuild = loadEsbuild()
  const built = await build(esbuild, request, [])
  if ('outputFiles' in built) return bundleOf(esbuild, request, built, [])
  const imports = built.errors.flatMap((error) => builtinImportOf(error) ?? [])
  if (request.stub !== true || imports.length < built.errors.length) throw await failure(esbuild, request, built.errors)
  const again = await build(esbuild, request, imports)
  if (!('outputFiles' in again)) throw await failure(esbuild, request, again.errors)
  return bundleOf(esbuild, request, again, [...new Set(imports.map(({ specifier }) => specifier))])
}

async function build(esbuild: Esbuild, request: BundleRequest, stubs: readonly BuiltinImport[]): Promise<Built | BuildFailure> {
  try {
    return await esbuild.build({
      ...optionsOf(request),
      plugins: stubs.length === 0 ? [] : [emptyModules(stubs)],
      write: false,
      metafile: true,
    })
  } catch (error) {
    if (error instanceof Error && 'errors' in error) return error as BuildFailure
    throw error
  }
}

function optionsOf({ entry, output, format, name, minify, sourcemap, define, external }: BundleRequest): BuildOptions {
  return {
    entryPoints: [entry],
    outfile: output,
    bundle: true,
    // Guests have the web's globals, without a document: what packages make for browsers comes closest.
    platform: 'browser',
    // What workers run on: what V8 has not yet, such as decorators, is compiled.
    target: 'node26',
    charset: 'utf8',
    ...(format === 'module' ? { format: 'esm' } : { format: 'iife', ...(name === undefined ? EXPORTS_AS_VALUE : asGlobal(name)) }),
    minify: minify === true,
    sourcemap: sourcemap === 'file' ? 'external' : (sourcemap ?? false),
    // Stacks need places and names. A map at the end of a source is read up to some size only.
    sourcesContent: sourcemap === 'file',
    define: { 'process.env.NODE_ENV': '"production"', ...define },
    external: [...external],
    // There is nothing to style.
    loader: { '.css': 'empty' },
    // Whether the output is one of the inputs is looked at before it is written.
    allowOverwrite: true,
    logLevel: 'silent',
  }
}

/** Undefined for any other error. */
function builtinImportOf({ text, location }: Message): BuiltinImport | undefined {
  const specifier = UNRESOLVED.exec(text)?.[1]
  return location === null || specifier === undefined || !isBuiltin(specifier) ? undefined : { importer: resolve(location.file), specifier }
}

/** Only those imports: another package may bring a module of the same name. */
function emptyModules(imports: readonly BuiltinImport[]): Plugin {
  return {
    name: 'glovebox-stub',
    setup(hooks) {
      hooks.onResolve({ filter: /.*/ }, ({ importer, path }) =>
        imports.some((each) => each.importer === importer && each.specifier === path) ? { path, namespace: 'glovebox-stub' } : undefined,
      )
      hooks.onLoad({ filter: /.*/, namespace: 'glovebox-stub' }, () => ({ contents: 'module.exports = {}', loader: 'js' }))
    },
  }
}

async function bundleOf(
  esbuild: Esbuild,
  { sourcemap }: BundleRequest,
  { outputFiles, metafile, warnings }: Built,
  stubbed: readonly string[],
): Promise<Bundle> {
  // A map comes before its source.
  const source = outputFiles.at(-1) as OutputFile
  const tooLong = sourcemap === 'inline' && inlineSourceMapAt(source.text) < 0 ? [MAP_TOO_LONG] : []
  const inputs = Object.entries(metafile.inputs).flatMap(([path, { bytes }]) =>
    path.startsWith('glovebox-stub:') ? [] : [{ path, bytes }],
  )
  return {
    files: outputFiles.map(({ path, contents }) => [path, contents] as const),
    bytes: source.contents.length,
    inputs,
    stubbed,
    warnings: (await esbuild.formatMessages([...warnings, ...tooLong], { kind: 'warning' })).join(''),
  }
}

/** esbuild's own words, with line and caret; only of built-ins it says what does not apply here. */
async function failure(esbuild: Esbuild, { entry }: BundleRequest, errors: readonly Message[]): Promise<Error> {
  const [first] = errors
  if (first !== undefined && UNRESOLVED.exec(first.text)?.[1] === entry && first.location === null)
    return new UsageError(
      `cannot bundle '${entry}': ${isAbsolute(entry) || entry.startsWith('.') ? 'there is no such file' : 'there is no such file, and no package of that name is installed here'}`,
    )
  const options = errors.filter(({ location }) => location === null || location.file.startsWith('('))
  if (options.length > 0)
    return new UsageError(
      options
        .map(({ text, location }) => `${text}${location === null ? '' : ` in ${location.file.slice(1, -1)} '${location.lineText}'`}`)
        .join('; '),
    )
  const told = errors.map((error) => {
    const found = builtinImportOf(error)
    if (found === undefined) return error
    const text = `${error.location?.file ?? '?'} imports '${found.specifier}', which is built into Node: guests have none of it. With --stub it is an empty module.`
    return { ...error, text, notes: [] }
  })
  const shown = await esbuild.formatMessages(told, { kind: 'error' })
  return new BundleError(`cannot bundle '${entry}'\n\n${shown.join('').trimEnd()}`)
}
