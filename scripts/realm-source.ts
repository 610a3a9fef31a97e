import { fileURLToPath } from 'node:url'
import { build, type Plugin as EsbuildPlugin } from 'esbuild'
import type { Plugin as VitePlugin } from 'vitest/config'

export const root = fileURLToPath(new URL('..', import.meta.url))
export const realmEntry = fileURLToPath(new URL('../src/worker/realm/main.ts', import.meta.url))
const moduleName = 'virtual:realm-source'

/** Bundles what runs inside a guest's realm. Returns the text of a script, not of a module. */
async function bundleRealm(): Promise<string> {
  const result = await build({
    entryPoints: [realmEntry],
    absWorkingDir: root,
    bundle: true,
    write: false,
    platform: 'neutral',
    format: 'iife',
    globalName: 'realm',
    target: 'esnext',
    // Guests may see this text in a stack trace, and it is parsed at every boot.
    minifyWhitespace: false,
    legalComments: 'none',
    charset: 'utf8',
    mainFields: ['module', 'main'],
    logLevel: 'error',
  })
  const [script] = result.outputFiles
  if (script === undefined) throw new Error('esbuild wrote no realm script')
  return script.text
}

/** esbuild plugin: `import source from 'virtual:realm-source'`. */
export const realmSourceForEsbuild: EsbuildPlugin = {
  name: 'realm-source',
  setup(worker) {
    worker.onResolve({ filter: /^virtual:realm-source$/ }, () => ({ path: moduleName, namespace: 'realm-source' }))
    worker.onLoad({ filter: /.*/, namespace: 'realm-source' }, async () => ({ contents: await bundleRealm(), loader: 'text' }))
  },
}

/** The same for vite, so that unit tests can load worker sources that import it. */
export const realmSourceForVite: VitePlugin = {
  name: 'realm-source',
  resolveId: (id) => (id === moduleName ? `\0${moduleName}` : undefined),
  load: async (id) => (id === `\0${moduleName}` ? `export default ${JSON.stringify(await bundleRealm())}` : undefined),
}
