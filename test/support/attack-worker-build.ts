import { mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { build, stop } from 'esbuild'
import { lexerForEsbuild, realmSourceForEsbuild, root } from '../../scripts/realm-source.ts'

/** Workers that only tests have. */
export type TestWorker = 'attack-worker' | 'attack-liar'

/**
 * Bundles a worker of test/fixtures as scripts/build.mjs bundles the one that ships, into build/, where a daemon of any user can read it.
 * @returns the path of the file
 */
export async function buildTestWorker(name: TestWorker, constants: Readonly<Record<string, string>> = {}): Promise<string> {
  const folder = join(root, 'build/test-workers')
  mkdirSync(folder, { recursive: true })
  const outfile = join(folder, `${[name, ...Object.values(constants)].join('-')}.cjs`)
  await build({
    entryPoints: [join(root, `test/fixtures/${name}.ts`)],
    outfile: `${outfile}.${process.pid}`,
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node26',
    external: ['internal/*'],
    // package.json says that no module has side effects: the hook has nothing else.
    ignoreAnnotations: true,
    alias: lexerForEsbuild,
    inject: [join(root, 'src/worker/node-globals.ts')],
    define: Object.fromEntries(Object.entries(constants).map(([key, value]) => [key, JSON.stringify(value)])),
    plugins: [realmSourceForEsbuild],
    footer: { js: '//# sourceURL=glovebox:worker' },
    charset: 'utf8',
    logLevel: 'error',
  })
  // It keeps a process for the next time.
  await stop()
  // Workers of another run may be starting from the old one.
  renameSync(`${outfile}.${process.pid}`, outfile)
  return outfile
}
