import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { temporaryDirectory } from '../support/daemons.ts'
import { checkLeaks } from '../support/leaks.ts'
import { NODE_22 } from '../support/node22.ts'

checkLeaks()

const MiB = 2 ** 20
/** What the package may have: it grows by intent only. */
const MAX_PACKED = 3.5 * MiB
const MAX_UNPACKED = 11 * MiB

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const run = promisify(execFile)
const scratch = temporaryDirectory()
const app = scratch.path
/** No daemon of this user's is found. */
const env = { ...process.env, XDG_RUNTIME_DIR: app, TMPDIR: app, GLOVEBOX_NODE: process.execPath }

let packed: {
  readonly filename: string
  readonly size: number
  readonly unpackedSize: number
  readonly files: readonly { readonly path: string }[]
}
let manifest: { readonly exports: Readonly<Record<string, unknown>> }
beforeAll(async () => {
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', app], { cwd: ROOT })
  packed = (JSON.parse(stdout) as [typeof packed])[0]
  manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as typeof manifest
  writeFileSync(join(app, 'package.json'), '{ "private": true }')
  const install = ['install', `./${packed.filename}`, '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund']
  await run('npm', install, { cwd: app, env: { ...process.env, NODE_ENV: 'production' } })
})
afterAll(() => scratch[Symbol.dispose]())

const file = (name: string, text: string): string => {
  writeFileSync(join(app, name), text)
  return name
}

async function outputOf(node: string, args: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<string> {
  const { stdout } = await run(node, args, { cwd: app, env: { ...env, ...more } })
  return stdout
}

test('is small, and holds no sources, tests or build notes', () => {
  expect(packed.size).toBeLessThan(MAX_PACKED)
  expect(packed.unpackedSize).toBeLessThan(MAX_UNPACKED)
  const others = packed.files
    .map(({ path }) => path)
    .filter((path) => !/^(?:dist|schema|systemd)\//.test(path) || /\.(?:tsbuildinfo|test\.js)$/.test(path))
  expect(others.sort()).toEqual(['LICENSE', 'README.md', 'package.json'])
})

test('npx runs the command of an installed package', async () => {
  expect(await outputOf('npx', ['--no-install', 'glovebox', 'run', '-e', '1+1'])).toBe('2\n')
})

const BODY = `const box = await connect(); console.log(await box.run('6 * 7')); await box.dispose()`

test('the library runs from ECMAScript modules and from CommonJS, whose Node may be older than the daemon’s', async () => {
  const esm = file('app.mjs', `import { connect } from 'glovebox'\n${BODY}`)
  const cjs = file('app.cjs', `const { connect } = require('glovebox')\nvoid (async () => { ${BODY} })()`)
  const runs = [
    outputOf(process.execPath, [esm]),
    outputOf(process.execPath, [cjs]),
    outputOf(NODE_22, [esm]),
    outputOf(NODE_22, ['--no-warnings', cjs]),
  ]
  expect(await Promise.all(runs)).toEqual(['42\n', '42\n', '42\n', '42\n'])
})

test('every entry of it loads, by import and by require', async () => {
  const entries = Object.keys(manifest.exports)
    .filter((name) => !name.endsWith('.json'))
    .map((name) => `glovebox${name.slice(1)}`)
  const list = JSON.stringify(entries)
  const esm = file('entries.mjs', `for (const name of ${list}) if (Object.keys(await import(name)).length === 0) throw new Error(name)`)
  const cjs = file('entries.cjs', `for (const name of ${list}) if (Object.keys(require(name)).length === 0) throw new Error(name)`)
  expect(await Promise.all([outputOf(process.execPath, [esm]), outputOf(process.execPath, [cjs])])).toEqual(['', ''])
})

test('on an older Node the command runs on a newer one, or says how to get it', async () => {
  const command = join('node_modules', 'glovebox', 'dist', 'cli', 'main.js')
  const args = [command, 'run', '-e', '1+1']
  expect(
    await outputOf(NODE_22, args, { GLOVEBOX_NODE: undefined, PATH: [dirname(NODE_22), dirname(process.execPath)].join(delimiter) }),
  ).toBe('2\n')
  await expect(outputOf(NODE_22, args, { GLOVEBOX_NODE: undefined, PATH: dirname(NODE_22) })).rejects.toMatchObject({
    code: 3,
    stderr: expect.stringMatching(
      /^glovebox: the command needs Node 26 or later; .*no newer one on PATH or in node_modules\. 'npm install node@26' brings one/,
    ) as unknown,
  })
})

test('publint and arethetypeswrong have nothing to say', async () => {
  const tarball = readFileSync(join(app, packed.filename))
  const data = tarball.buffer.slice(tarball.byteOffset, tarball.byteOffset + tarball.byteLength)
  const { messages, pkg } = await publint({ pack: { tarball: data }, strict: true })
  expect(messages.map((message) => formatMessage(message, pkg))).toEqual([])
  const result = await checkPackage(createPackageFromTarballData(new Uint8Array(data)), { entrypointsLegacy: false })
  const problems = 'problems' in result ? result.problems : []
  // The package is ECMAScript modules only, for which resolvers from before `exports` are too old; require() of them works in every Node that it supports.
  const esmOnly = problems.filter(
    (problem) => problem.kind !== 'CJSResolvesToESM' && !('resolutionKind' in problem && problem.resolutionKind === 'node10'),
  )
  expect(esmOnly).toEqual([])
})
