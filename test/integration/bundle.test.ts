import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Box } from 'glovebox'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Command, type Ended, glovebox, textLike } from '../support/command.ts'
import { temporaryDirectory, type TestDaemon, testDaemon } from '../support/daemons.ts'
import { rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()
const directory = temporaryDirectory()
const at = (name: string): string => join(directory.path, name)
const put = (name: string, text: string): void => {
  mkdirSync(join(at(name), '..'), { recursive: true })
  writeFileSync(at(name), text)
}

let daemon: TestDaemon
let box: Box
beforeAll(async () => {
  daemon = await testDaemon()
  box = await daemon.connect()
  put('square.ts', 'export const square = (n: number): number => n * n\nexport default class Tea {}')
  put('main.mjs', "import { square } from './square.ts'\nexport const nine = square(3)\nexport const mode = process.env.NODE_ENV")
  put('common.cjs', "'use strict'\nmodule.exports = Object.assign(() => 'called', { strict: this === undefined })")
  put(
    'files.mjs',
    "import { readFile } from 'node:fs/promises'\nimport util from 'util'\nexport default [typeof readFile, typeof util.inspect]",
  )
  put('uses-files.mjs', "export * from './files.mjs'\nexport const more = 1")
  put('guarded.cjs', "try { exports.os = require('os') } catch { exports.os = 'none' }")
  put('broken.js', 'let a = 1\n\tlet b c\n')
  put('missing.js', "import './nowhere.js'")
  put('throws.ts', 'interface A { a: 1 }\n\nexport const fail = (): never => {\n  throw new Error("no")\n}')
  put('awaits.mjs', 'export const a = await 1')
  put('outside.mjs', "import { join } from 'pack'\nexport const joined = join('a', 'b')")
  put(
    'decorated.ts',
    'const double = (_: unknown, __: unknown) => (n: number) => 2 * n\nclass A { @double x = 1 }\nexport const twice = new A().x',
  )
  put('styled.js', "import './a.css'\nexport const a = 1")
  put('a.css', 'a { b: c }')
  // A package that has the name of a built-in, as some have.
  put('node_modules/events/index.js', 'module.exports = class EventEmitter { static ours = true }')
  put('node_modules/events/package.json', '{ "name": "events", "version": "1.0.0" }')
  put('listens.js', "import Events from 'events'\nexport const ours = Events.ours")
})
afterAll(async () => {
  await box.dispose()
  await daemon[Symbol.asyncDispose]()
  directory[Symbol.dispose]()
})

const bundle = async (...args: readonly string[]): Promise<Ended> => glovebox(['bundle', ...args], {}).ended

async function bundled(...args: readonly string[]): Promise<string> {
  const output = at('out.js')
  expect(await bundle(...args, '-o', output)).toMatchObject({ code: 0, stderr: '' })
  return readFileSync(output, 'utf8')
}

describe('a script', () => {
  test.each<[title: string, args: readonly string[], after: string, result: unknown]>([
    ['of a module', [at('main.mjs')], 'value', { nine: 9, mode: 'production' }],
    ['of TypeScript', [at('square.ts')], '[value.square(4), typeof value.default]', [16, 'function']],
    ['of CommonJS', [at('common.cjs')], '[value(), value.strict]', ['called', false]],
    ['of a package that is installed here', ['lodash'], 'value.chunk([1, 2, 3], 2)', [[1, 2], [3]]],
    ['that is small', [at('main.mjs'), '--minify'], 'value', { nine: 9, mode: 'production' }],
    ['for debugging', [at('main.mjs'), '--define', 'process.env.NODE_ENV="development"'], 'value.mode', 'development'],
    ['without built-ins', [at('uses-files.mjs'), '--stub'], 'value.more', 1],
    ['without built-ins, seen from inside', [at('files.mjs'), '--stub'], 'value.default', ['undefined', 'undefined']],
    ['with a built-in that it can do without', [at('guarded.cjs')], 'value.os', 'none'],
    ['with a package named like a built-in', [at('listens.js')], 'value.ours', true],
    ['with a require of its globals', [at('outside.mjs'), '--external', 'pack'], 'value.joined', 'a/b'],
    ['with decorators', [at('decorated.ts')], 'value.twice', 2],
    ['with a stylesheet, which is left out', [at('styled.js')], 'value.a', 1],
  ])('%s has the exports as its value', async (_title, args, after, result) => {
    const require = "(name) => { if (name !== 'pack') throw new Error(name); return { join: (...parts) => parts.join('/') } }"
    const source = `const require = ${require}; const value = (0, eval)(source); ${after}`
    expect(await box.run(source, { globals: { source: await bundled(...args) } })).toEqual(result)
  })

  test('leaves no names behind, and is compiled as any source', async () => {
    await using ctx = await box.createContext()
    const script = await box.compile(await bundled(at('square.ts')))
    await ctx.run(script)
    expect(await ctx.globals()).toEqual({})
    const { square } = (await ctx.run(script)) as { readonly square: (n: number) => Promise<number> }
    expect(await square(5)).toBe(25)
  })

  test.each(['main.mjs', 'common.cjs'])('of %s sets a global instead, if it is named', async (entry) => {
    await using ctx = await box.createContext()
    expect(await ctx.run(await bundled(at(entry), '--name', 'out$'))).toBeUndefined()
    expect(await ctx.run('typeof out$')).toBe(entry === 'main.mjs' ? 'object' : 'function')
  })

  test('has stacks of its sources, by a map at its end', async () => {
    const error = await rejection(box.run((await bundled(at('throws.ts'), '--sourcemap', '--name', 'x')).replace('void 0', 'x.fail()')))
    expect(error.stack).toMatch(/^Error: no\n {4}at .*throws\.ts:4:9\)?\n/)
  })

  test('has stacks of its sources, by a map in a file', async () => {
    const source = (await bundled(at('throws.ts'), '--sourcemap', 'file', '--name', 'x')).replace('void 0', 'x.fail()')
    expect(source).not.toContain('sourceMappingURL')
    const error = await rejection(box.run(source, { sourceMap: readFileSync(at('out.js.map'), 'utf8') }))
    expect(error.stack).toMatch(/^Error: no\n {4}at .*throws\.ts:4:9\)?\n/)
  })
})

test('a map that would not be read at the end of a source is warned of', async () => {
  const many = Array.from({ length: 30_000 }, (_, n) => `export const long_${n} = (a, b) => { if (a) return b(a + ${n}) }`)
  put('many.js', many.join('\n'))
  expect(await bundle(at('many.js'), '-o', at('out.js'), '--sourcemap')).toMatchObject({
    code: 0,
    stderr: textLike(
      /\[WARNING\] The source map is longer than Glovebox reads at the end of a source\. Write it to a file, with --sourcemap file\./,
    ),
  })
  expect(await bundle(at('many.js'), '-o', at('out.js'), '--sourcemap', 'file')).toMatchObject({ code: 0, stderr: '' })
})

test('a module exports, and may await', async () => {
  const source = await bundled(at('awaits.mjs'), '--format', 'module')
  expect(source).toMatch(/export \{\s*a\s*\}/)
  expect((await box.compile(source, { format: 'module' })).imports).toEqual([])
  const outside = await box.compile(await bundled(at('outside.mjs'), '--format', 'module', '--external', 'pack'), { format: 'module' })
  expect(outside.imports).toEqual([{ specifier: 'pack', dynamic: false, attributes: {} }])
  await using ctx = await box.createContext()
  const pack = "export const join = (...parts) => parts.join('/')"
  const main = `export * from 'awaits'; export * from 'outside'`
  expect(await ctx.import('main', { modules: { main, awaits: source, outside: outside.code, pack } })).toEqual({ a: 1, joined: 'a/b' })
})

test('--json says what went in', async () => {
  const output = at('summary.js')
  const { stdout } = await bundle(at('files.mjs'), '--stub', '--json', '-o', output)
  expect(stdout.trimEnd()).not.toContain('\n')
  expect(JSON.parse(stdout)).toEqual({
    ok: true,
    output,
    format: 'script',
    bytes: readFileSync(output).length,
    inputs: [{ path: expect.stringMatching(/files\.mjs$/) as string, bytes: readFileSync(at('files.mjs')).length }],
    stubbed: ['node:fs/promises', 'util'],
  })
  expect((await bundle(at('main.mjs'), '-o', output)).stdout).toMatch(/^.*summary\.js: [\d.]+ [KM]?i?B from 2 files\n$/)
})

describe('what cannot be bundled', () => {
  test.each<[title: string, args: readonly string[], code: number, stderr: string | RegExp]>([
    [
      'a built-in, named with its importer',
      [at('uses-files.mjs')],
      1,
      /^glovebox: cannot bundle .*files\.mjs imports 'node:fs\/promises', which is built into Node: guests have none of it\. With --stub it is an empty module\.\n\n.*files\.mjs:1:25:\n.*\n +╵ +~+\n.*files\.mjs imports 'util', which/s,
    ],
    [
      'a syntax error, with line and caret',
      [at('broken.js')],
      1,
      /Expected ";" but found "c"\n\n.*broken\.js:2:7:\n +2 │ {3}let b c\n +│ {9}\^\n/,
    ],
    ['an import of what is not there', [at('missing.js')], 1, /Could not resolve "\.\/nowhere\.js"\n\n.*missing\.js:1:7:/],
    ['an import of what is not there, with stubs', [at('missing.js'), '--stub'], 1, /Could not resolve "\.\/nowhere\.js"/],
    ['await in a script', [at('awaits.mjs')], 1, /Top-level await is .*not supported with the "iife" output format/],
    ['a file that is not there', [at('none.js')], 2, /^glovebox: cannot bundle '.*none\.js': there is no such file\n$/],
    ['neither file nor package', ['no-such-package'], 2, /no such file, and no package of that name is installed here\n$/],
    ['no global’s name', [at('main.mjs'), '--name', 'a b'], 2, "glovebox: --name must be the name of a global, got 'a b'\n"],
    ['a reserved word', [at('main.mjs'), '--name', 'class'], 2, /but found "class" in global name 'class'/],
    ['a named module', [at('main.mjs'), '--format', 'module', '--name', 'a'], 2, 'glovebox: --name is for scripts: a module exports\n'],
    ['a definition without a value', [at('main.mjs'), '--define', 'A'], 2, "glovebox: --define takes NAME=VALUE, got 'A'\n"],
    ['a definition that is code', [at('main.mjs'), '--define', 'A=1 + 1'], 2, /Invalid define value/],
    ['a format that is none', [at('main.mjs'), '--format', 'cjs'], 2, /Allowed choices are script, module/],
  ])('%s', async (_title, args, code, stderr) => {
    const output = at('never.js')
    expect(await bundle(...args, '-o', output)).toEqual({ code, stdout: '', stderr: textLike(stderr) })
    expect(existsSync(output)).toBe(false)
  })

  test('is told as JSON, too', async () => {
    const { code, stdout } = await bundle(at('broken.js'), '--json', '-o', at('never.js'))
    expect([code, JSON.parse(stdout)]).toEqual([
      1,
      { ok: false, error: { exitCode: 1, name: 'Error', message: expect.stringContaining('broken.js:2:7:') as string } },
    ])
  })

  test('without an output nothing happens', async () => {
    expect(await bundle(at('main.mjs'))).toMatchObject({
      code: 2,
      stderr: textLike(/^glovebox: required option '-o, --output <file>' not specified/),
    })
  })

  test('an output that cannot be written', async () => {
    for (const output of [directory.path, at('none/out.js')])
      expect(await bundle(at('main.mjs'), '-o', output)).toMatchObject({
        code: 2,
        stdout: '',
        stderr: textLike(/^glovebox: cannot write '.*': E/),
      })
  })

  test('an output that is an input, also by a link, stays as it is', async () => {
    const before = readFileSync(at('square.ts'), 'utf8')
    symlinkSync(at('square.ts'), at('link.js'))
    for (const output of ['square.ts', 'link.js'])
      expect(await bundle(at('main.mjs'), '-o', at(output))).toMatchObject({
        code: 2,
        stdout: '',
        stderr: textLike(/^glovebox: the output '.*' is one of the files to be bundled\n$/),
      })
    expect(readFileSync(at('square.ts'), 'utf8')).toBe(before)
  })
})

test('without esbuild it says how to get it', async () => {
  // An installation of its own, with all that it depends on and no peers.
  const root = fileURLToPath(new URL('../../', import.meta.url))
  const installed = at('installed')
  cpSync(join(root, 'dist'), join(installed, 'dist'), { recursive: true })
  cpSync(join(root, 'package.json'), join(installed, 'package.json'))
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { dependencies: Record<string, string> }
  mkdirSync(join(installed, 'node_modules'))
  for (const name of Object.keys(dependencies))
    symlinkSync(realpathSync(join(root, 'node_modules', name)), join(installed, 'node_modules', name))
  await using command = new Command(
    join(installed, 'dist/cli/main.js'),
    ['bundle', at('main.mjs'), '-o', at('never.js')],
    {},
    '',
    installed,
  )
  expect(await command.ended).toEqual({
    code: 2,
    stdout: '',
    stderr: "glovebox: 'glovebox bundle' needs esbuild, which is not installed here: npm install --save-dev esbuild\n",
  })
  expect(readdirSync(directory.path)).not.toContain('never.js')
})
