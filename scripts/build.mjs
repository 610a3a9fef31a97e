// Builds dist/: the typed modules with tsc, then with esbuild the worker, with the realm script inside it, the compiler and the embedded daemon, each as one file; and code caches.
// Then docs/reference.md from the declarations, and build/guests: libraries from npm for examples and tests.
import { spawnSync } from 'node:child_process'
import { hash } from 'node:crypto'
import { appendFileSync, chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

// Before any import of TypeScript, which an older Node cannot load.
if (Number.parseInt(process.versions.node, 10) < 26) {
  console.error(`build: needs Node 26 or later, found ${process.version}. Run it with npm, which puts the right one on PATH.`)
  process.exit(1)
}
const { build } = await import('esbuild')
const { bundleBrowser } = await import('./browser-source.mjs')
const { buildGuests } = await import('./build-guests.mjs')
const { piscinaInOneFile } = await import('./piscina-in-one-file.mjs')
const { writeDaemonCache, writeWorkerCaches } = await import('./code-caches.mjs')
const { lexerForEsbuild, realmEntry, realmTextsForEsbuild, replSource, root } = await import('./realm-source.ts')

/** Folders that tsc emits into dist. Worker and compiler are not among them: each is one bundle. */
const emitted = ['base', 'protocol', 'confinement', 'daemon', 'client', 'cli']
const checked = ['src/cli', 'src/embedded', 'src/dashboard', 'src/browser', 'src/worker', 'src/compiler']

const workerFile = 'dist/worker/worker.cjs'
/** Of scripts that run in guests' realms. */
const textsFile = 'dist/worker/worker.texts'
const bootFile = 'dist/worker/boot.cjs'
/** Write the code caches that the others start with. */
const workerCacheMakerFile = 'build/worker-cache-maker.cjs'
const daemonCacheMakerFile = 'build/daemon-cache-maker.cjs'
const embeddedFile = 'dist/daemon/embedded.cjs'
const embeddedProgramFile = 'dist/daemon/embedded-program.cjs'
const replFile = 'dist/worker/repl.js'
const compilerFile = 'dist/compiler/compiler.cjs'
const browserFile = 'dist/browser/browser.js'
const dashboardFiles = ['dist/dashboard/dashboard.js', 'dist/dashboard/dashboard.css', 'dist/dashboard/LICENSES.txt']
const browserNotices = 'dist/browser/LICENSES.txt'

/** For what Node runs as one file. */
const forNode = { absWorkingDir: root, bundle: true, platform: 'node', target: 'node26', charset: 'utf8', logLevel: 'warning' }

/** A program of CommonJS that needs nothing special. */
async function bundleProgram(entry, outfile) {
  await build({ ...forNode, format: 'cjs', entryPoints: [join(root, entry)], outfile: join(root, outfile) })
}

function removeStaleFiles() {
  if (!existsSync(join(root, 'dist'))) return
  for (const file of readdirSync(join(root, 'dist'), { recursive: true, withFileTypes: true })) {
    if (!file.isFile() || file.name.endsWith('.tsbuildinfo')) continue
    const path = join(file.parentPath, file.name).slice(root.length)
    const [, folder] = path.split('/')
    const source = path.replace(/^dist/, 'src').replace(/(\.d\.ts|\.js)$/, '.ts')
    const wanted =
      [
        workerFile,
        textsFile,
        bootFile,
        embeddedFile,
        embeddedProgramFile,
        replFile,
        compilerFile,
        browserFile,
        browserNotices,
        ...dashboardFiles,
      ].includes(path) ||
      (emitted.includes(folder) && source !== path && existsSync(join(root, source)))
    if (!wanted) rmSync(join(root, path))
  }
}

function compileModules() {
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const { status } = spawnSync(process.execPath, [tsc, '-b', ...checked], { cwd: root, stdio: 'inherit' })
  if (status !== 0) throw new Error('type check failed')
}

async function bundleWorker() {
  const entry = join(root, 'src/worker/main.ts')
  for (const path of [entry, realmEntry]) {
    if (!existsSync(path)) throw new Error(`cannot bundle the worker: ${path.slice(root.length)} does not exist`)
  }
  const texts = []
  await build({
    ...forNode,
    format: 'cjs',
    entryPoints: [entry],
    outfile: join(root, workerFile),
    external: ['internal/*'],
    alias: lexerForEsbuild,
    inject: [join(root, 'src/worker/node-globals.ts')],
    plugins: [realmTextsForEsbuild(texts)],
    // Frames with this name are left out of guests' stacks.
    footer: { js: '//# sourceURL=glovebox:worker' },
    // Read as Latin-1, it takes V8 a byte a character.
    charset: 'ascii',
  })
  writeFileSync(join(root, textsFile), Buffer.concat(texts))
  sign(workerFile)
}

/** Its code caches say which build they are of: src/base/code-cache.ts. */
function sign(file) {
  const text = readFileSync(join(root, file))
  appendFileSync(join(root, file), `//# build=${hash('sha256', text)}\n`)
}

/** A text, which the command has each context of its REPL run. */
async function bundleRepl() {
  mkdirSync(join(root, 'dist/worker'), { recursive: true })
  writeFileSync(join(root, replFile), await replSource())
}

async function bundleCompiler() {
  await build({
    ...forNode,
    format: 'cjs',
    entryPoints: [join(root, 'src/compiler/main.ts')],
    outfile: join(root, compilerFile),
    // Optional: it would make threads nicer, which the daemon does.
    external: ['internal/*', '@napi-rs/nice'],
    plugins: [piscinaInOneFile],
  })
}

/** Loaded by those only who want metrics: `node:http` alone takes a good part of a start. */
const metricsStayOutside = {
  name: 'metrics-stay-outside',
  setup: (context) => context.onResolve({ filter: /\/metrics\/endpoint\.ts$/ }, () => ({ path: './metrics/endpoint.js', external: true })),
}

/** One file, because Node takes twice as long to find and read 300; of CommonJS, because that can be started from a code cache. Beside the other modules, which it has inside. */
async function bundleEmbedded() {
  await build({
    ...forNode,
    format: 'cjs',
    entryPoints: [join(root, 'src/embedded/main.ts')],
    outfile: join(root, embeddedProgramFile),
    plugins: [metricsStayOutside],
    // Of a package that has both, the one that can be bundled.
    mainFields: ['module', 'main'],
    define: { 'import.meta.url': 'gloveboxUrl' },
    // Read as Latin-1, it takes V8 a byte a character.
    charset: 'ascii',
  })
  sign(embeddedProgramFile)
}

/** The page, its libraries inside: whoever opens it needs nothing from elsewhere. */
async function bundleDashboard() {
  await build({
    entryPoints: [join(root, 'src/dashboard/main.ts')],
    outfile: join(root, 'dist/dashboard/dashboard.js'),
    absWorkingDir: root,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2023',
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'warning',
  })
  mkdirSync(join(root, 'dist/dashboard'), { recursive: true })
  const read = (path) => readFileSync(join(root, path), 'utf8')
  writeFileSync(
    join(root, 'dist/dashboard/dashboard.css'),
    `${read('node_modules/uplot/dist/uPlot.min.css')}\n${read('src/dashboard/dashboard.css')}`,
  )
  const notices = ['preact', 'htm', 'uplot'].map((name) => `${name}\n\n${read(`node_modules/${name}/LICENSE`)}`)
  writeFileSync(join(root, 'dist/dashboard/LICENSES.txt'), notices.join('\n\n'))
}

try {
  removeStaleFiles()
  compileModules()
  chmodSync(join(root, 'dist/cli/main.js'), 0o755)
  await Promise.all([
    bundleWorker(),
    bundleProgram('src/worker/boot.ts', bootFile),
    bundleProgram('scripts/worker-cache-maker.ts', workerCacheMakerFile),
    bundleProgram('scripts/daemon-cache-maker.ts', daemonCacheMakerFile),
    bundleRepl(),
    bundleCompiler(),
    bundleEmbedded(),
    bundleProgram('src/embedded/boot.ts', embeddedFile),
    bundleDashboard(),
    bundleBrowser(root, browserFile, browserNotices),
    buildGuests(root),
    import('./reference.ts').then(({ writeReference }) => writeReference()),
  ])
  await writeWorkerCaches(join(root, workerCacheMakerFile))
  await writeDaemonCache(join(root, daemonCacheMakerFile))
} catch (error) {
  console.error(`build: ${error.message}`)
  process.exitCode = 1
}
