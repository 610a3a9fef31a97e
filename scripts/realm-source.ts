import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BuildOptions, build, type OnLoadResult, type Plugin as EsbuildPlugin } from 'esbuild'
import type { Plugin as VitePlugin } from 'vitest/config'

export const root = fileURLToPath(new URL('..', import.meta.url))
export const realmEntry = join(root, 'src/worker/realm/main.ts')
const webFolder = join(root, 'src/worker/realm/web')

/** `virtual:realm-source` and `virtual:web-NAME-source`: texts of scripts that run inside a guest's realm. */
const moduleName = /^virtual:(?:realm|web-[a-z\d-]+)-source$/

const common: BuildOptions = {
  absWorkingDir: root,
  bundle: true,
  write: false,
  platform: 'neutral',
  format: 'iife',
  target: 'esnext',
  legalComments: 'none',
  charset: 'utf8',
  mainFields: ['module', 'main'],
  logLevel: 'error',
}

async function bundle(options: BuildOptions): Promise<string> {
  const [script] = (await build({ ...common, ...options })).outputFiles ?? []
  if (script === undefined) throw new Error('esbuild wrote no script')
  return script.text
}

/** Guests may see this text in a stack trace, and it is parsed at every boot. */
const bundleRealm = () => bundle({ entryPoints: [realmEntry], globalName: 'realm' })

/** For `glovebox repl`. */
export const replSource = (): Promise<string> =>
  bundle({ entryPoints: [join(root, 'src/worker/realm/repl/main.ts')], minifyWhitespace: true })

/** Libraries from npm look for what the platform has. They find nothing: some of it is what they are here to provide. */
const withoutGlobals: EsbuildPlugin = {
  name: 'without-globals',
  setup(library) {
    library.onLoad({ filter: /[\\/]node_modules[\\/].*\.m?js$/ }, async ({ path }) => ({
      contents: `const globalThis = { __proto__: null }\n${await readFile(path, 'utf8')}`,
      loader: 'js',
    }))
  },
}

/** A web library as an expression: a function of its context (see src/worker/realm/web/context.ts) that returns its exports. */
async function bundleWebLibrary(name: string): Promise<string> {
  const folder = join(webFolder, name)
  if (!existsSync(folder)) throw new Error(`there is no web library '${name}'`)
  const text = await bundle({
    // Not by esbuild's globalName: the code that it adds for that depends on prototypes that a guest may have changed by then.
    stdin: { contents: `import * as library from './library.ts'; gloveboxLibrary = library`, resolveDir: folder },
    // Parsed at the first touch in each worker.
    minifyWhitespace: true,
    inject: name === 'streams' ? [join(folder, 'abort-controller.ts')] : [],
    define: { queueMicrotask: 'undefined', structuredClone: 'undefined' },
    plugins: [withoutGlobals],
  })
  // Frames of scripts with this name are left out of guests' stacks.
  return `(gloveboxWeb => {"use strict";let gloveboxLibrary;${text}return gloveboxLibrary})\n//# sourceURL=glovebox:web/${name}`
}

async function sourceOf(module: string): Promise<string> {
  return module === 'virtual:realm-source' ? bundleRealm() : bundleWebLibrary(module.slice('virtual:web-'.length, -'-source'.length))
}

const realmScripts = (load: (text: string) => OnLoadResult): EsbuildPlugin => ({
  name: 'realm-source',
  setup(worker) {
    worker.onResolve({ filter: moduleName }, ({ path }) => ({ path, namespace: 'realm-source' }))
    worker.onLoad({ filter: /.*/, namespace: 'realm-source' }, async ({ path }) => load(await sourceOf(path)))
  },
})

/** esbuild plugin: `import source from 'virtual:realm-source'`. */
export const realmSourceForEsbuild = realmScripts((contents) => ({ contents, loader: 'text' }))

/** The same for a program that is started from a code cache, which would have each text a second time: the program gets them from the function `gloveboxText`, and their bytes are put behind each other in `texts`. */
export const realmTextsForEsbuild = (texts: Buffer[]): EsbuildPlugin => {
  let end = 0
  return realmScripts((text) => {
    const bytes = Buffer.from(text)
    const start = end
    end += bytes.length
    texts.push(bytes)
    return { contents: `export default gloveboxText(${start}, ${end})` }
  })
}

/** The same for vite, so that unit tests can load worker sources that import it. */
export const realmSourceForVite: VitePlugin = {
  name: 'realm-source',
  resolveId: (id) => (moduleName.test(id) ? `\0${id}` : undefined),
  load: async (id) =>
    id.startsWith('\0') && moduleName.test(id.slice(1)) ? `export default ${JSON.stringify(await sourceOf(id.slice(1)))}` : undefined,
}

/** For esbuild: the lexer in JavaScript. What its package exports to modules is WebAssembly, which would have to be made ready first. */
export const lexerForEsbuild = { 'cjs-module-lexer': './node_modules/cjs-module-lexer/lexer.js' }
