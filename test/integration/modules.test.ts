import type { Box, Context, GuestFunction, Modules, ModuleSource } from 'glovebox'
import { ContextLostError, GuestError, InvalidOptionError, TimeoutError, ValueError } from 'glovebox'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type TestDaemon, testDaemon } from '../support/daemons.ts'
import { eventually, rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()
let daemon: TestDaemon
let box: Box
let ctx: Context
beforeAll(async () => {
  daemon = await testDaemon()
  box = await daemon.connect()
})
beforeEach(async () => {
  ctx = await box.createContext()
  return () => ctx.dispose()
})
afterAll(async () => {
  await box.dispose()
  await daemon[Symbol.asyncDispose]()
})

/** A deadline that leaves time to look modules up, however busy the processors are. */
const LOOKED_UP_MS = 300

const importOf = (modules: Modules, entry = 'main.mjs'): Promise<Record<string, unknown>> => ctx.import(entry, { modules })

describe('import', () => {
  test.each<[title: string, modules: Readonly<Record<string, string | ModuleSource>>, exported: unknown]>([
    [
      'data of every kind',
      { 'main.mjs': 'export const a = new Map([[1, 2n]]), b = [undefined, -0]; export default null' },
      { a: new Map([[1, 2n]]), b: [undefined, -0], default: null },
    ],
    ['nothing', { 'main.mjs': '' }, {}],
    [
      'a name that is special',
      { 'main.mjs': 'const x = 1; export { x as __proto__, x as "a b", x as toString }' },
      Object.defineProperties(
        {},
        Object.fromEntries(
          ['__proto__', 'a b', 'toString'].map((name) => [name, { value: 1, enumerable: true, writable: true, configurable: true }]),
        ),
      ),
    ],
    [
      'what another module exports',
      { 'main.mjs': 'import { b } from "./b.mjs"; export const a = b + 1', 'b.mjs': 'export const b = 1' },
      { a: 2 },
    ],
    [
      'stars, without names that two have',
      {
        'main.mjs': 'export * from "./b.mjs"; export * from "./c.mjs"; export * as d from "./d.json" with { type: "json" }',
        'b.mjs': 'export const x = 1, y = 2',
        'c.mjs': 'export const x = 3, z = 4',
        'd.json': '[5]',
      },
      { y: 2, z: 4, d: { default: [5] } },
    ],
    [
      'top-level await',
      {
        'main.mjs': 'import "./b.mjs"; export const a = [await 1, globalThis.b]',
        'b.mjs': 'await new Promise((r) => setTimeout(r, 5)); globalThis.b = 2',
      },
      { a: [1, 2] },
    ],
    [
      'JSON and text',
      {
        'main.mjs':
          'import j from "./d.json" with { type: "json" }; import t from "./t.html" with { type: "text" }; import again from "./d.json" with { type: "text" }; export default [j, t, again]',
        'd.json': '\ufeff{"a":[1]}',
        't.html': '<p>',
      },
      { default: [{ a: [1] }, '<p>', '{"a":[1]}'] },
    ],
    [
      'import() of JSON',
      { 'main.mjs': 'export default (await import("./d.json", { with: { type: "json" } })).default', 'd.json': '1' },
      { default: 1 },
    ],
    ['a byte order mark and a hashbang', { 'main.mjs': '\ufeff#!/usr/bin/env node\nexport default 1' }, { default: 1 }],
    ['a lone surrogate', { 'main.mjs': 'export default "\ud800"' }, { default: '\ud800' }],
    [
      'bare specifiers',
      {
        'main.mjs': 'import lib from "lib"; import sub from "@scope/lib/sub"; export default [lib, sub]',
        lib: 'export default 1',
        '@scope/lib/sub': 'export default 2',
      },
      { default: [1, 2] },
    ],
    [
      'paths',
      {
        'main.mjs': 'export { default } from "./a/b/c.mjs"',
        'a/b/c.mjs': 'import d from "../d.mjs"; import e from "./.././../e.mjs"; export default [d, e]',
        './a/d.mjs': 'export default import.meta.url',
        './e.mjs': 'export default import.meta.url',
      },
      { default: ['a/d.mjs', 'e.mjs'] },
    ],
    [
      'its own namespace',
      { 'main.mjs': 'import * as me from "./main.mjs"; export const a = 1; export const keys = () => Object.keys(me)' },
      { a: 1, keys: expect.any(Function) as unknown },
    ],
    [
      'import.meta of its own',
      { 'main.mjs': { source: 'export default { ...import.meta }', meta: { env: { a: 1 } } } },
      { default: { env: { a: 1 } } },
    ],
    [
      'TypeScript',
      {
        'main.mjs': 'export { E, f } from "./b.ts"',
        'b.ts': 'import type { T } from "./none.ts"; export enum E { A = 3 }; export const f: T = E.A',
      },
      { E: { A: 3, 3: 'A' }, f: 3 },
    ],
    [
      'CommonJS',
      {
        'main.mjs': 'import d, { a, b, default as again } from "./c.cjs"; export default [d, a, b, d === again]',
        'c.cjs': 'exports.a = 1; exports.b = require("./d").x',
        d: 'module.exports = { x: require("./c.cjs").a + 1 }',
      },
      { default: [{ a: 1, b: 2 }, 1, 2, true] },
    ],
    [
      'CommonJS whose key does not tell',
      {
        'main.mjs':
          'import d, { a } from "lib"; import umd from "umd"; import { name } from "./plain"; import { small } from "small"; export default [d.b, a, umd.v, name, small]',
        lib: '// exports nothing\nexports.a = 1; exports.b = require("dep").y',
        dep: 'module.exports = { y: 5 }',
        umd: '(function (g, f) { typeof exports === "object" && typeof module !== "undefined" ? f(exports) : f(g.umd = {}) })(this, (e) => { e.v = 7 })',
        small: 'var s=typeof exports=="object"?1:2;export{s as small}',
        plain: 'const exports = {}; exports.x = 1\nexport const { name } = { name: "a module" }',
      },
      { default: [5, 1, 7, 'a module', 2] },
    ],
    [
      'CommonJS that passes on',
      {
        'main.mjs': 'export { a, b } from "./c.cjs"',
        'c.cjs': 'module.exports = require("./d.cjs")',
        'd.cjs': 'Object.defineProperty(exports, "a", { enumerable: true, value: 1 }); exports.b = require("./e.json")',
        'e.json': '[2]',
      },
      { a: 1, b: [2] },
    ],
    [
      'CommonJS and its names',
      { 'main.cjs': 'module.exports = [__filename, __dirname, module.id, typeof require, this === exports, arguments.length]' },
      { default: ['lib/main.cjs', 'lib', 'lib/main.cjs', 'function', true, 5] },
    ],
    [
      'import() in CommonJS',
      { 'main.cjs': 'exports.p = () => import("./b.mjs").then((n) => n.default)', 'lib/b.mjs': 'export default 5' },
      { default: { p: expect.any(Function) as unknown }, p: expect.any(Function) as unknown },
    ],
  ])('gives %s', async (_title, modules, exported) => {
    const entry = Object.hasOwn(modules, 'main.cjs') ? 'lib/main.cjs' : 'main.mjs'
    const { 'main.cjs': common, ...others } = modules
    expect(await importOf(common === undefined ? others : { ...others, 'lib/main.cjs': common }, entry)).toEqual(exported)
  })

  test('JSON and text without an attribute, for the client and for require', async () => {
    const asked: string[] = []
    const modules = (specifier: string): ModuleSource => {
      asked.push(specifier)
      if (specifier === 'c.cjs') return { source: 'module.exports = [require("data"), require("text")]' }
      return specifier === 'data' ? { source: '[1]', format: 'json' } : { source: 'two', format: 'text' }
    }
    for (let twice = 0; twice < 2; twice++) {
      expect(await importOf(modules, 'data')).toEqual({ default: [1] })
      expect(await importOf(modules, 'text')).toEqual({ default: 'two' })
      expect(await importOf(modules, 'c.cjs')).toEqual({ default: [[1], 'two'] })
    }
    expect(asked).toEqual(['data', 'text', 'c.cjs'])
    expect(await importOf({ './d.json': '2' }, 'd.json')).toEqual({ default: 2 })
  })

  test('functions are live handles, the default one too, and bindings are live', async () => {
    const main = await importOf({
      'main.mjs':
        'import { count, add } from "./count.mjs"; export const read = () => count; export default function twice(n) { add(n); add(n); return count }',
      'count.mjs': 'export let count = 0; export function add(n) { count += n }',
    })
    expect(await (main['default'] as GuestFunction)(3)).toBe(6)
    expect(await (main['read'] as GuestFunction)()).toBe(6)
  })

  test('a module is evaluated once, whoever imports it', async () => {
    await ctx.set('log', [])
    const modules = new Map([
      ['a.mjs', 'import "./shared.mjs"; import "shared.mjs"; export const id = (await import("./x/../shared.mjs")).id'],
      ['./shared.mjs', 'log.push(import.meta.url); export const id = {}; export const same = (other) => other === id'],
    ])
    await importOf(modules, './a.mjs')
    await importOf(modules, 'a.mjs')
    const { same } = await importOf(modules, 'shared.mjs')
    expect(await ctx.get('log')).toEqual(['shared.mjs'])
    await ctx.set('same', same)
    expect(await ctx.run('import("shared.mjs").catch((error) => error.message)')).toBe(
      "Cannot import 'shared.mjs': no module of that name was given",
    )
  })

  test('cycles', async () => {
    const main = await importOf({
      'main.mjs': 'import { b } from "./b.mjs"; export let a = 1; export const inc = () => { a++ }; export default () => b()',
      'b.mjs': 'import { a, inc } from "./main.mjs"; export const b = () => { inc(); return a }',
    })
    expect(await (main['default'] as GuestFunction)()).toBe(2)
    expect(
      await importOf(
        {
          'one.cjs': 'exports.early = 1; exports.two = require("./two.cjs").seen; exports.late = 2',
          'two.cjs': 'exports.seen = Object.keys(require("./one.cjs"))',
        },
        'one.cjs',
      ),
    ).toMatchObject({ two: ['early'] })
  })

  test('modules have the globals of their context', async () => {
    await ctx.run('globalThis.x = 20; const y = 22')
    expect(await importOf({ 'main.mjs': 'export default x + y; globalThis.z = typeof this' })).toEqual({ default: 42 })
    expect(await ctx.get('z')).toBe('undefined')
  })

  test('host functions are called while modules are evaluated', async () => {
    await ctx.set('add', (a: number, b: number) => a + b)
    await ctx.set('later', async (a: number) => Promise.resolve(a + 1))
    expect(await importOf({ 'main.mjs': 'export default [add(1, 2), await later(3)]' })).toEqual({ default: [3, 4] })
  })

  test('a compiled module, with others beside it', async () => {
    const script = await box.compile('import x from "./x.mjs"; export const a: number = x + 1; export const { url } = import.meta', {
      language: 'ts',
      format: 'module',
      filename: 'lib/main.ts',
    })
    expect(await ctx.import(script, { modules: { 'lib/x.mjs': 'export default 1' } })).toEqual({ a: 2, url: 'lib/main.ts' })
    expect(
      await importOf({ 'again.mjs': 'export { a } from "./given"', given: script }, 'again.mjs').catch(
        (error: unknown) => (error as Error).message,
      ),
    ).toContain("'./x.mjs' imported from 'given'")
  })

  test('meta goes to all modules of an import', async () => {
    const modules = {
      'main.mjs': 'import m from "./b.mjs"; export default [m, { ...import.meta }]',
      'b.mjs': 'export default { ...import.meta }',
    }
    expect(await ctx.import('main.mjs', { modules, meta: { mode: 'test' } })).toEqual({
      default: [
        { url: 'b.mjs', mode: 'test' },
        { url: 'main.mjs', mode: 'test' },
      ],
    })
  })
})

describe('a resolver', () => {
  test('is told specifier, referrer and attributes, once for each module', async () => {
    const asked: unknown[] = []
    const sources: Readonly<Record<string, string>> = {
      'main.mjs': 'import "./a/b.mjs"; import d from "data" with { type: "json" }; export default d',
      './a/b.mjs': 'import "./c.mjs"',
      './c.mjs': 'import "../main.mjs"; import "./b.mjs"',
      data: '7',
    }
    const modules = async (...about: readonly [string, string, object]) => {
      asked.push(about)
      await new Promise(setImmediate)
      return sources[about[0]]
    }
    expect(await importOf(modules)).toEqual({ default: 7 })
    await importOf(modules)
    expect(asked).toEqual([
      ['main.mjs', '', {}],
      ['./a/b.mjs', 'main.mjs', {}],
      ['data', 'main.mjs', { type: 'json' }],
      ['./c.mjs', 'a/b.mjs', {}],
    ])
  })

  test('URLs go by their own rules', async () => {
    const asked: string[] = []
    const modules = (specifier: string, referrer: string): string => {
      asked.push(`${specifier} < ${referrer}`)
      return specifier.startsWith('https:') ? 'import "../x.mjs?q#h"; import "/y.mjs"; export default import.meta.url' : ''
    }
    expect(await importOf(modules, 'https://example.org/a/./b/c.mjs')).toEqual({ default: 'https://example.org/a/b/c.mjs' })
    expect(asked).toEqual([
      'https://example.org/a/./b/c.mjs < ',
      '../x.mjs?q#h < https://example.org/a/b/c.mjs',
      '/y.mjs < https://example.org/a/b/c.mjs',
    ])
  })

  test('may use the box while it resolves', async () => {
    expect(await importOf(async () => `export default ${String(await ctx.run('6 * 7'))}`)).toEqual({ default: 42 })
  })
})

describe('import() in scripts', () => {
  test('imports from the modules of the context, relative to the name of the script', async () => {
    await using other = await box.createContext({}, { modules: { 'lib/a.mjs': 'export const a = 1', 'b.mjs': 'export default 2' } })
    expect(
      await other.run('import("./a.mjs").then((n) => [Object.keys(n), n.a, n[Symbol.toStringTag]])', { filename: 'lib/main.js' }),
    ).toEqual([['a'], 1, 'Module'])
    expect(await other.run('(async () => (await import("./b.mjs")).default)()')).toBe(2)
    expect(await other.run('eval("import(\'b.mjs\')").then((n) => n.default)')).toBe(2)
    expect(await other.import('b.mjs')).toEqual({ default: 2 })
    expect(await other.run('import("./b.mjs").then((a) => import("b.mjs").then((b) => a === b))')).toBe(true)
    expect(await other.run('import("./c.mjs").catch((e) => [e instanceof Error, e.code, e.message])', { filename: 's.js' })).toEqual([
      true,
      'ERR_MODULE_NOT_FOUND',
      "Cannot find module './c.mjs' imported from 's.js'",
    ])
  })
})

describe('what goes wrong', () => {
  const bad = async (modules: Modules, entry = 'main.mjs'): Promise<GuestError> => {
    const error = await rejection(importOf(modules, entry))
    expect(error).toBeInstanceOf(GuestError)
    expect(await ctx.run('1 + 1')).toBe(2)
    return error as GuestError
  }

  test.each<[title: string, modules: Modules, code: string, message: string]>([
    ['a missing entry', {}, 'ERR_MODULE_NOT_FOUND', "Cannot find module 'main.mjs': no module of that name was given"],
    [
      'a missing import',
      { 'main.mjs': 'import "./a.mjs"' },
      'ERR_MODULE_NOT_FOUND',
      "Cannot find module './a.mjs' imported from 'main.mjs'",
    ],
    [
      'a missing require',
      { 'main.mjs': 'import "./a.cjs"', 'a.cjs': 'require("b")' },
      'ERR_MODULE_NOT_FOUND',
      "Cannot find module 'b' imported from 'a.cjs'",
    ],
    [
      'a resolver that throws',
      (specifier) => {
        if (specifier === 'x') throw new TypeError('no luck')
        return 'import "x"'
      },
      'ERR_MODULE_LOAD',
      "Cannot load module 'x' imported from 'main.mjs': no luck",
    ],
    ['a resolver that rejects', async () => Promise.reject(new Error('later')), 'ERR_MODULE_LOAD', "Cannot load module 'main.mjs': later"],
    [
      'a number',
      (() => 17) as never,
      'ERR_MODULE_LOAD',
      "Cannot load module 'main.mjs': it must be a string, or an object with a source, and is a number",
    ],
    ['no source', { 'main.mjs': {} as never }, 'ERR_MODULE_LOAD', "Cannot load module 'main.mjs': it has no source"],
    [
      'an unknown property',
      { 'main.mjs': { source: '', sauce: 1 } as never },
      'ERR_MODULE_LOAD',
      "Cannot load module 'main.mjs': option 'sauce' is not an option of a module",
    ],
    [
      'a source that is too large',
      { 'main.mjs': 'import "./big.mjs"', 'big.mjs': ' '.repeat(50e6) },
      'ERR_MODULE_LOAD',
      "Cannot load module './big.mjs' imported from 'main.mjs': its source has 50000000 characters, over the limit of 16777216",
    ],
    [
      'too many modules',
      (specifier) => `import "${Number.parseInt(specifier, 10) || 0}"; import "${(Number.parseInt(specifier, 10) || 0) + 1}"`,
      'ERR_MODULE_LIMIT',
      'a context may have 5000 modules',
    ],
    [
      'an attribute',
      { 'main.mjs': 'import "./a" with { lang: "x" }', a: '' },
      'ERR_IMPORT_ATTRIBUTE',
      "Import attribute 'lang' of module './a' imported by 'main.mjs' is not supported",
    ],
    [
      'a type',
      { 'main.mjs': 'import "./a" with { type: "css" }', a: '' },
      'ERR_IMPORT_ATTRIBUTE',
      "Import attribute 'type' of module './a' imported by 'main.mjs' is 'css', which is neither 'json' nor 'text'",
    ],
    [
      'a phase',
      { 'main.mjs': 'import source a from "./a"', a: '' },
      'ERR_IMPORT_ATTRIBUTE',
      "Module './a' imported by 'main.mjs' cannot be imported by phase",
    ],
    [
      'JSON without its attribute',
      { 'main.mjs': 'import "./a.json"', 'a.json': '1' },
      'ERR_MODULE_LOAD',
      "Cannot load module './a.json' imported from 'main.mjs': it needs the import attribute type: 'json'",
    ],
    [
      'JSON that is none',
      { 'main.mjs': 'import "./a.json" with { type: "json" }', 'a.json': '{' },
      'ERR_GUEST',
      "(module 'a.json', imported by 'main.mjs')",
    ],
    [
      'an ES module that is required',
      { 'main.cjs': 'require("./a.mjs")', 'a.mjs': '' },
      'ERR_REQUIRE_ESM',
      "Cannot require './a.mjs' from 'main.cjs': it is an ES module; use import()",
    ],
    [
      'a syntax error',
      { 'main.mjs': 'import "./a.mjs"', 'a.mjs': 'let a\nlet b = }' },
      'ERR_GUEST',
      "Unexpected token '}' (module 'a.mjs', imported by 'main.mjs')",
    ],
    [
      'a syntax error in TypeScript',
      { 'main.mjs': 'import "./a.ts"', 'a.ts': 'let a: = 1' },
      'ERR_GUEST',
      "(module './a.ts' imported from 'main.mjs')",
    ],
    ['a NUL', { 'main.mjs': 'let a\0 = 1' }, 'ERR_GUEST', "Invalid or unexpected token (module 'main.mjs')"],
    ['a source that is nested too deeply', { 'main.mjs': '('.repeat(100_000) }, 'ERR_GUEST', 'Maximum call stack size exceeded'],
    [
      'a name that is not exported',
      { 'main.mjs': 'import { x } from "./a.mjs"', 'a.mjs': '' },
      'ERR_GUEST',
      "The requested module './a.mjs' does not provide an export named 'x'",
    ],
    [
      'a use before its time',
      { 'main.mjs': 'import { b } from "./b.mjs"; export const a = b', 'b.mjs': 'import { a } from "./main.mjs"; export const b = a' },
      'ERR_GUEST',
      "Cannot access 'a' before initialization",
    ],
    [
      'a specifier that is too long',
      { 'main.mjs': `import "${'x'.repeat(1025)}"` },
      'ERR_MODULE_LOAD',
      'a specifier may have 1024 characters',
    ],
  ])('%s', async (_title, modules, code, message) => {
    const entry = typeof modules === 'object' && Object.hasOwn(modules, 'main.cjs') ? 'main.cjs' : 'main.mjs'
    const error = await bad(modules, entry)
    expect(error.message).toContain(message)
    expect(error.code).toBe(code)
  })

  test('a syntax error shows its place, in TypeScript that of the source', async () => {
    const place = (file: string, text: string, caret: number): string => `${file}:2\n${text}\n${' '.repeat(caret)}^\n\nSyntaxError: `
    expect((await bad({ 'main.mjs': 'let a\n  let b = }' })).stack).toMatch(place('main.mjs', '  let b = }', 10))
    expect((await bad({ 'main.mjs': '\nimport { x } from "./a.mjs"', 'a.mjs': '' })).stack).toContain(
      'main.mjs:2\nimport { x } from "./a.mjs"\n         ^\n\nSyntaxError: ',
    )
    expect((await bad({ 'main.mjs': 'import "./a.ts"', 'a.ts': 'let a\nlet b: = 1' })).stack).toContain('a.ts:2\nlet b: = 1\n       ^')
  })

  test('stacks name modules by their files, and original places', async () => {
    const error = await bad({
      'main.mjs': 'import { f } from "./a.ts"\nf()',
      'a.ts': { source: 'enum E { A }\nexport function f() {\n  throw new Error(String(E.A))\n}', filename: 'src/a.ts' },
    })
    expect(error.stack).toBe('Error: 0\n    at f (src/a.ts:3:9)\n    at main.mjs:2:1')
  })

  test('what throws while it is evaluated stays failed; what could not be loaded may be tried again', async () => {
    const modules: Record<string, string> = {
      'main.mjs': 'globalThis.n = (globalThis.n ?? 0) + 1; throw { n }',
      'late.mjs': 'import "./missing.mjs"; export default 1',
    }
    expect((await bad(modules)).value).toEqual({ n: 1 })
    expect((await bad(modules)).value).toEqual({ n: 1 })
    await bad(modules, 'late.mjs')
    modules['missing.mjs'] = ''
    expect(await importOf(modules, 'late.mjs')).toEqual({ default: 1 })
    await bad({ 'syntax.mjs': '}' }, 'syntax.mjs')
    expect(await importOf({ 'syntax.mjs': 'export default 2' }, 'syntax.mjs')).toEqual({ default: 2 })
  })

  test('an export that cannot cross is named', async () => {
    for (const [source, path] of [
      ['export const w = new WeakMap()', 'value.w'],
      ['export function then() {}', 'value.then'],
    ] as const) {
      const error = await rejection(importOf({ [source]: source }, source))
      expect(error).toBeInstanceOf(ValueError)
      expect((error as Error).message).toContain(path)
    }
  })

  test('a resolver that gives a promise cannot be waited for by require', async () => {
    const error = await bad(async (specifier: string) => Promise.resolve(specifier === 'main.cjs' ? 'require("./b.cjs")' : ''), 'main.cjs')
    expect(error.message).toBe(
      "Cannot load module './b.cjs' imported from 'main.cjs': its resolver gives a promise, which require() cannot wait for",
    )
  })

  test.each<[title: string, call: () => Promise<unknown>]>([
    ['no specifier', () => ctx.import(undefined as never)],
    ['an empty one', () => ctx.import('', { modules: {} })],
    ['one that is too long', () => ctx.import('x'.repeat(1025), { modules: {} })],
    ['modules in an array', () => ctx.import('x', { modules: ['x'] as never })],
    ['modules that are a string', () => ctx.import('x', { modules: 'x' as never })],
    ['a module twice', () => ctx.import('x', { modules: { './x': '', x: '' } })],
    ['an unknown option', () => ctx.import('x', { module: {} } as never)],
    ['meta alone', () => ctx.import('x', { meta: {} })],
    ['a compiled script', async () => ctx.import(await box.compile('1'))],
    ['modules of a context', () => box.createContext({}, { modules: 1 as never })],
  ])('%s is refused', async (_title, call) => {
    expect(await rejection(call())).toBeInstanceOf(InvalidOptionError)
  })

  test('without modules there is nothing to import', async () => {
    expect(((await rejection(ctx.import('x'))) as Error).message).toBe("Cannot import 'x': no module of that name was given")
  })
})

describe('time', () => {
  test.each<[title: string, modules: Modules, what: string]>([
    ['a loop', { 'main.mjs': 'for (;;);' }, 'computed'],
    ['a loop in what it imports', { 'main.mjs': 'import "./a.mjs"', 'a.mjs': 'for (;;);' }, 'computed'],
    ['a loop after an await', { 'main.mjs': 'await 0; for (;;);' }, 'computed'],
    ['a flood of jobs', { 'main.mjs': 'const f = () => Promise.resolve().then(f); await f()' }, 'computed'],
    ['a loop in CommonJS', { 'main.mjs': 'import "./a.cjs"', 'a.cjs': 'for (;;);' }, 'computed'],
    ['a promise that never settles', { 'main.mjs': 'await new Promise(() => 0)' }, 'waited for a promise'],
    ['a resolver that never answers', async () => new Promise<string>(() => undefined), "waited for host call 'the lookup of modules'"],
  ])('%s ends at the deadline, and the context lives', async (_title, modules, what) => {
    const error = await rejection(ctx.import('main.mjs', { modules, timeout: LOOKED_UP_MS }))
    expect(error).toBeInstanceOf(TimeoutError)
    expect((error as Error).message).toContain(what)
    expect(await importOf({ 'after.mjs': 'export default 1' }, 'after.mjs')).toEqual({ default: 1 })
  })

  test('CommonJS that throws stays failed for who imported it', async () => {
    const modules = { 'main.mjs': 'import "./c.cjs"', 'c.cjs': 'globalThis.n = (globalThis.n ?? 0) + 1; throw new Error(`try ${n}`)' }
    const messages: unknown[] = []
    for (const entry of ['main.mjs', 'main.mjs', 'c.cjs']) messages.push(((await rejection(importOf(modules, entry))) as Error).message)
    expect(messages).toEqual(['try 1', 'try 1', 'try 2'])
  })

  test('a graph that fails leaves modules of others as they are', async () => {
    const modules = {
      'a.mjs': 'import { x } from "./x.mjs"; export default x',
      'x.mjs': 'globalThis.n = (globalThis.n ?? 0) + 1; await new Promise((resolve) => { globalThis.go = resolve }); export const x = n',
      'b.mjs': 'import { y } from "./x.mjs"',
    }
    const first = importOf(modules, 'a.mjs')
    await eventually('the await', async () => ctx.run('typeof go === "function"'))
    expect(((await rejection(importOf(modules, 'b.mjs'))) as Error).message).toContain("does not provide an export named 'y'")
    await ctx.run('go()')
    expect(await first).toEqual({ default: 1 })
    expect(await importOf(modules, 'x.mjs')).toEqual({ x: 1 })
  })

  test('what a module that was ended had imported stays; what imports it is forgotten with it', async () => {
    const modules = {
      'main.mjs': 'import { a } from "./a.mjs"; import "./loops.mjs"; import { late } from "./late.mjs"; export default [a, late]',
      'a.mjs': 'globalThis.a = (globalThis.a ?? 0) + 1; export const a = globalThis.a',
      'loops.mjs': 'globalThis.l = (globalThis.l ?? 0) + 1; while (l === 1);',
      'late.mjs': 'import "./loops.mjs"; globalThis.late = (globalThis.late ?? 0) + 1; export const late = globalThis.late',
    }
    expect(await rejection(ctx.import('main.mjs', { modules, timeout: LOOKED_UP_MS }))).toBeInstanceOf(TimeoutError)
    expect(await importOf(modules, 'late.mjs')).toEqual({ late: 1 })
    expect(await importOf(modules)).toEqual({ default: [1, 1] })
    expect(await ctx.get('l')).toBe(2)
  })

  test('a module that was ended is evaluated anew', async () => {
    const source = 'globalThis.n = (globalThis.n ?? 0) + 1; while (n === 1); export default n'
    const modules = { 'main.mjs': 'export { default } from "./a.mjs"', 'a.mjs': source }
    expect(await rejection(ctx.import('main.mjs', { modules, timeout: LOOKED_UP_MS }))).toBeInstanceOf(TimeoutError)
    expect(await importOf(modules)).toEqual({ default: 2 })
  })

  test('a signal ends an import, wherever it is', async () => {
    for (const source of ['for (;;);', 'await new Promise(() => 0)']) {
      const signal = AbortSignal.timeout(50)
      expect(await rejection(ctx.import('main.mjs', { modules: { 'main.mjs': source }, signal }))).toBe(signal.reason)
    }
    expect(await importOf({ 'after.mjs': 'export default 1' }, 'after.mjs')).toEqual({ default: 1 })
  })

  test('an import whose context goes fails with it', async () => {
    const other = await box.createContext()
    const waiting = [
      rejection(other.import('a.mjs', { modules: async () => new Promise<string>(() => undefined) })),
      rejection(other.import('b.mjs', { modules: { 'b.mjs': 'await new Promise(() => 0)' } })),
    ]
    await other.run('0')
    await other.dispose()
    for (const error of await Promise.all(waiting)) expect(error).toBeInstanceOf(ContextLostError)
  })

  test('what nobody waits for has the time of other work in the background, and is told of once', async () => {
    await using other = await box.createContext(
      {},
      { modules: { 'loops.mjs': 'globalThis.n = (globalThis.n ?? 0) + 1; while (n === 1);', 'later.mjs': 'globalThis.done = true' } },
    )
    const errors: string[] = []
    other.on('uncaughtException', (error) => errors.push(error.message))
    other.on('unhandledRejection', (error) => errors.push(error.message))
    await other.run(
      `setTimeout(() => import('loops.mjs').catch((error) => { failed = error.code }).then(() => import('later.mjs'))); globalThis.failed = 0`,
    )
    await eventually('the module after it', async () => (await other.get('done')) === true)
    expect(errors).toEqual([expect.stringContaining('used up the time')])
    expect(await other.get('failed')).toBe('ERR_MODULE_EVALUATION')
  })

  test('many imports and runs at once', async () => {
    const modules = (specifier: string): string =>
      specifier.startsWith('n') ? `export default ${specifier.slice(1)}; await 0` : `import n from "n${specifier}"; export default n * 2`
    const numbers = Array.from({ length: 200 }, (_, n) => n)
    const got = await Promise.all(
      numbers.map(async (n) => (n % 2 === 0 ? (await ctx.import(String(n), { modules }))['default'] : ctx.run(`${n} * 2`))),
    )
    expect(got).toEqual(numbers.map((n) => n * 2))
  })

  test('two imports at once share their modules', async () => {
    const modules = {
      'a.mjs': 'import x from "./x.mjs"; export default x',
      'b.mjs': 'import x from "./x.mjs"; export default x',
      'x.mjs': 'await new Promise((r) => setTimeout(r, 20)); globalThis.n = (globalThis.n ?? 0) + 1; export default n',
    }
    expect(await Promise.all(['a.mjs', 'b.mjs', 'x.mjs', 'a.mjs'].map((entry) => importOf(modules, entry)))).toEqual(
      Array.from({ length: 4 }, () => ({ default: 1 })),
    )
  })
})
