// The preset 'browser': happy-dom as one script of a guest's realm. What reaches outside (network, files, processes) is left out or replaced by src/browser/.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'

/** Node's modules by what src/browser/node/ has in their place. */
const NODE_MODULES = {
  buffer: 'buffer',
  crypto: 'crypto',
  net: 'net',
  'node:net': 'net',
  'node:perf_hooks': 'perf_hooks',
  'node:url': 'url',
  stream: 'stream',
  'stream/web': 'stream-web',
  url: 'url',
  util: 'util',
  vm: 'vm',
}

/** Modules that reach outside, by the end of their paths, and what no module reached then imports. */
const OUTSIDE = /^(?:fs|path|ws|zlib|http|https|child_process)$|\/(?:Fetch|SyncFetch|VirtualServerUtility|BrowserExceptionObserver)\.js$/

/** Other modules by the end of their paths, and what is in their place. */
const REPLACED = {
  '/ResponseCacheFileSystem.js': 'no-files.ts',
  '/PublicSuffixList.js': 'no-public-suffixes.ts',
  '/JavaScriptCompiler.js': 'page-scripts.ts',
}

const insteadOfNode = (folder) => ({
  name: 'instead-of-node',
  setup(bundle) {
    bundle.onResolve({ filter: /.*/ }, ({ path, kind }) => {
      if (kind === 'entry-point') return undefined
      if (Object.hasOwn(NODE_MODULES, path)) return { path: join(folder, 'node', `${NODE_MODULES[path]}.ts`) }
      if (OUTSIDE.test(path)) return { path: join(folder, 'no-network.ts') }
      const end = path.slice(path.lastIndexOf('/'))
      return Object.hasOwn(REPLACED, end) ? { path: join(folder, REPLACED[end]) } : undefined
    })
    // The realm's global object, which was there before, is to be an event target like any: it cannot have private methods.
    bundle.onLoad({ filter: /\/event\/EventTarget\.js$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replaceAll(/(?<=[\s.])#(?=\w+\()/g, '__'),
      loader: 'js',
    }))
  },
})

/** Writes the script, and beside it the licences of what is in it. */
export async function bundleBrowser(root, outfile, noticesFile) {
  const folder = join(root, 'src/browser')
  const { metafile } = await build({
    entryPoints: [join(folder, 'main.ts')],
    outfile: join(root, outfile),
    absWorkingDir: root,
    bundle: true,
    platform: 'neutral',
    format: 'iife',
    target: 'esnext',
    mainFields: ['module', 'main'],
    conditions: ['import'],
    minifyWhitespace: true,
    minifySyntax: true,
    // Names of classes are part of what guests see.
    keepNames: true,
    define: { 'process.platform': '"linux"', 'process.arch': '"x64"' },
    legalComments: 'none',
    // One byte a character, here and in every worker.
    charset: 'ascii',
    metafile: true,
    plugins: [insteadOfNode(folder)],
    logLevel: 'warning',
  })
  const packages = new Set(Object.keys(metafile.inputs).flatMap((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []))
  const notices = await Promise.all([...packages].sort().map(async (name) => noticeOf(root, name)))
  await writeFile(join(root, noticesFile), `browser.js contains:\n\n${notices.join('\n\n')}`)
}

async function noticeOf(root, name) {
  const folder = join(root, 'node_modules', name)
  const { version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  for (const file of ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'LICENCE']) {
    const text = await readFile(join(folder, file), 'utf8').catch(() => undefined)
    if (text !== undefined) return `${name} ${version} (${license})\n\n${text.trim()}\n`
  }
  throw new Error(`${name} has no licence file`)
}
