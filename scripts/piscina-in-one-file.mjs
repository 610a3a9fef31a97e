import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

/** Beside the entry; the package does not export it. */
const threadFile = fileURLToPath(new URL('worker.js', import.meta.resolve('piscina')))

/**
 * esbuild plugin: piscina starts its threads from a file of its own beside it. In the bundle they start from the bundle, which asks for the thread's half by the name `virtual:piscina-thread`.
 * @type {import('esbuild').Plugin}
 */
export const piscinaInOneFile = {
  name: 'piscina-in-one-file',
  setup(bundle) {
    bundle.onResolve({ filter: /^virtual:piscina-thread$/ }, () => ({ path: threadFile, sideEffects: true }))
    bundle.onLoad({ filter: /[\\/]piscina[\\/]dist[\\/]index\.js$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8')
      const contents = source.replace("(0, node_path_1.resolve)(__dirname, 'worker.js')", '__filename')
      if (contents === source) throw new Error(`${path}: this version starts its threads in another way`)
      return { contents, loader: 'js' }
    })
  },
}
