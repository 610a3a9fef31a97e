import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Box, CompileOptions } from 'glovebox'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporaryDirectory, type TestDaemon, testDaemon } from '../support/daemons.ts'
import { eventually, rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()
let daemon: TestDaemon
let box: Box
beforeAll(async () => {
  daemon = await testDaemon()
  box = await daemon.connect()
})
afterAll(async () => {
  await box.dispose()
  await daemon[Symbol.asyncDispose]()
})

const TS: CompileOptions = { language: 'ts', filename: 'a.ts' }
const MODULE: CompileOptions = { format: 'module', filename: 'a.mjs' }
/** V8 needs more memory to parse it than a compiler may have. */
const GLUTTON = '()=>1;'.repeat(2_500_000)

describe('a script', () => {
  test('has the hash of its source, its code and a code cache', async () => {
    const script = await box.compile('let x = 1\nx + 1', { filename: 'a.js' })
    expect(script).toMatchObject({
      hash: 'd750edf1b3568a1e0ffff7f11622ef78dc561e50a85793f7f858c4bd650c92b6',
      language: 'js',
      format: 'script',
      filename: 'a.js',
      code: 'let x = 1\nx + 1',
      imports: [],
      sourceMap: undefined,
    })
    expect(script.cachedData?.length).toBeGreaterThan(100)
  })

  test('of TypeScript loses its types, and keeps its lines', async () => {
    const { code, sourceMap } = await box.compile('let x: number = 1\nlet y = x as any', TS)
    expect([code, sourceMap]).toEqual(['let x         = 1\nlet y = x       ', undefined])
  })

  test('of TypeScript that makes code has a source map', async () => {
    const { code, sourceMap } = await box.compile('enum A { B = 5 }\nnamespace C { export const d = A.B }\nC.d', TS)
    expect(code).toContain('A[A["B"] = 5] = "B"')
    expect(JSON.parse(sourceMap ?? '')).toMatchObject({ version: 3, sources: ['a.ts'] })
  })

  test('of a module tells what it imports', async () => {
    const source = `import a, { type T } from './a.ts'
import json from './b.json' with { type: 'json' }
export * from "c"
import type { U } from 'd'
const e = await import('./e.js')
import(\`./\${a}.js\`)
import.meta.url`
    const { imports } = await box.compile(source, { ...TS, format: 'module' })
    expect(imports).toEqual([
      { specifier: './a.ts', dynamic: false, attributes: {} },
      { specifier: './b.json', dynamic: false, attributes: { type: 'json' } },
      { specifier: 'c', dynamic: false, attributes: {} },
      { specifier: './e.js', dynamic: true, attributes: {} },
      { specifier: undefined, dynamic: true, attributes: {} },
    ])
  })

  test('is never run', async () => {
    const source = 'globalThis.process?.exit(1); while (true); throw new Error("ran")'
    expect((await box.compile(source)).code).toBe(source)
    expect((await box.compile(`await 1; ${source}`, MODULE)).code).toContain(source)
  })

  test.each<[title: string, source: string, code?: string]>([
    ['a byte order mark', '\ufefflet x = 1'],
    ['a hashbang', '#!/usr/bin/env node\nlet x = 1'],
    ['a lone surrogate', 'let s = "\ud800"'],
    ['a NUL in a text', 'let s = "\0"'],
    ['nothing', ''],
    ['line separators', 'let a\u2028let b\u2029let c'],
  ])('with %s is kept as it is', async (_title, source) => {
    expect((await box.compile(source)).code).toBe(source)
    expect((await box.compile(source, MODULE)).code).toBe(source)
  })

  test.each([
    ['a byte order mark', '\ufefflet x: 1', 'let x   '],
    ['a hashbang', '#!/usr/bin/env node\nlet x: 1', '#!/usr/bin/env node\nlet x   '],
    ['both', '\ufeff#!/usr/bin/env node\nlet x: 1', '#!/usr/bin/env node\nlet x   '],
    ['a NUL in a text', 'let s: 1 = "\0"', 'let s    = "\0"'],
  ])('of TypeScript may have %s', async (_title, source, code) => {
    expect((await box.compile(source, TS)).code).toBe(code)
  })
})

describe('what does not parse is told with line and caret', () => {
  test.each<[title: string, source: string, options: CompileOptions, stack: string]>([
    ['script', 'let a\nlet b = ;', { filename: 'a.js' }, "a.js:2\nlet b = ;\n        ^\n\nSyntaxError: Unexpected token ';'"],
    ['script without a name', '\n\nfor', {}, 'evalmachine.<anonymous>:3\nfor\n   ^\n\nSyntaxError: Unexpected end of input'],
    ['NUL', 'let a\0b', { filename: 'a.js' }, 'a.js:1\nlet a\0b\n     ^\n\nSyntaxError: Invalid or unexpected token'],
    [
      'a statement of modules in a script',
      'import "x"',
      { filename: 'a.js' },
      'a.js:1\nimport "x"\n^^^^^^\n\nSyntaxError: Cannot use import statement outside a module',
    ],
    ['module', 'import a from "b"\nlet a', MODULE, "a.mjs:2\nlet a\n    ^\n\nSyntaxError: Identifier 'a' has already been declared"],
    [
      'an export of nothing',
      'export { q }',
      MODULE,
      "a.mjs:1\nexport { q }\n         ^\n\nSyntaxError: Export 'q' is not defined in module",
    ],
    [
      'a with statement in a module',
      'with (a) b',
      MODULE,
      'a.mjs:1\nwith (a) b\n^\n\nSyntaxError: Strict mode code may not include a with statement',
    ],
    ['TypeScript', 'let a: string\nlet b: = 1', TS, 'a.ts:2\nlet b: = 1\n       ^\n\nSyntaxError: Unexpected token `=`.'],
    [
      'await in a script of TypeScript',
      'let a: 1\nawait f(a)',
      TS,
      'a.ts:2\nawait f(a)\n^\n\nSyntaxError: await is only valid in async functions and the top level bodies of modules',
    ],
    [
      'an import in a script of TypeScript',
      'let a: 1\nimport { b } from "c"',
      TS,
      'a.ts:2\nimport { b } from "c"\n^\n\nSyntaxError: Cannot use import statement outside a module',
    ],
    [
      'TypeScript after an import that is gone with its types',
      'import type { A } from "a"\nlet b: = 1',
      TS,
      'a.ts:2\nlet b: = 1\n       ^\n\nSyntaxError: Unexpected token `=`.',
    ],
    [
      'a decorator',
      'class A {\n  @log x: number = 1\n}',
      TS,
      'a.ts:2\n  @log x: number = 1\n  ^\n\nSyntaxError: decorators are not supported, since V8 has none; `glovebox bundle` compiles them',
    ],
    [
      'JSX',
      'let b = <div>{a.b}</div>',
      { language: 'ts', filename: 'a.tsx' },
      "a.tsx:1\nlet b = <div>{a.b}</div>\n               ^\n\nSyntaxError: Expected ',', got '.'; JSX is not TypeScript alone: bundle it first",
    ],
    [
      'TypeScript that is wrong without its types',
      'let a: string\nlet a: number',
      TS,
      "a.ts:2\nlet a: number\n    ^\n\nSyntaxError: Identifier 'a' has already been declared",
    ],
    [
      'TypeScript that is wrong where code was moved',
      'enum A {\n  B,\n  C,\n}\n\nlet a: string; let a: number',
      TS,
      "a.ts:6\nlet a: string; let a: number\n                   ^\n\nSyntaxError: Identifier 'a' has already been declared",
    ],
    [
      'TypeScript with a lone surrogate',
      'let a\nlet s = "\udc00"',
      TS,
      'a.ts:2\nlet s = "\udc00"\n         ^\n\nSyntaxError: a lone surrogate, which TypeScript sources cannot have',
    ],
    [
      'one long line',
      `${'a = 1;'.repeat(100_000)} b c ${'a = 1;'.repeat(100_000)}`,
      { filename: 'a.js' },
      `a.js:1\n;${'a = 1;'.repeat(16)} b c ${'a = 1;'.repeat(16)}a \n${' '.repeat(100)}^\n\nSyntaxError: Unexpected identifier 'c'`,
    ],
  ])('%s', async (_title, source, options, stack) => {
    const error = await rejection(box.compile(source, options))
    expect([error.constructor.name, error.name, error.stack?.slice(0, stack.length)]).toEqual(['GuestError', 'SyntaxError', stack])
    expect(error.stack?.split('\n').filter((line) => line.startsWith('    at '))).toEqual([])
  })
})

describe('what is too much', () => {
  test.each<[title: string, source: string, options: CompileOptions]>([
    ['brackets in JavaScript', '['.repeat(100_000), {}],
    ['brackets in a module', '['.repeat(100_000), MODULE],
    ['brackets in TypeScript', '['.repeat(100_000), TS],
    ['types', `let a: ${'['.repeat(100_000)}`, TS],
    ['blocks', '{'.repeat(100_000), {}],
  ])('nested %s: a RangeError, and the next source compiles', async (_title, source, options) => {
    const error = await rejection(box.compile(source, options))
    expect([error.name, error.message]).toEqual(['RangeError', 'the source cannot be compiled: it is nested too deeply or too large'])
    expect((await box.compile(`1 + ${source.length}`, options)).code).toBe(`1 + ${source.length}`)
  })

  test('a source over the limit', async () => {
    const error = await rejection(box.compile(' '.repeat(50_000_000)))
    expect([error.constructor.name, error.code, error.message]).toEqual([
      'LimitError',
      'ERR_SOURCE_LIMIT',
      'the source has 50000000 characters, over the limit of 16777216',
    ])
  })

  test('imports over the limit', async () => {
    const many = await rejection(box.compile('import("a");'.repeat(10_001)))
    expect([many.code, many.message]).toEqual(['ERR_SOURCE_LIMIT', 'the source has 10001 imports, over the limit of 10000'])
    const long = await rejection(box.compile(`import '${'ä'.repeat(8_193)}'`, MODULE))
    expect([long.code, long.message]).toEqual(['ERR_SOURCE_LIMIT', 'an import has a text of 16386 bytes, over the limit of 16384'])
  })

  test('a source that exhausts memory gets the blame; what was compiled beside it does not notice', { timeout: 120_000 }, async () => {
    const before = (await box.status()).compilers[0]?.pid
    const glutton = box.compile(GLUTTON)
    const others = Array.from({ length: 20 }, async (_, n) => (await box.compile(`other(${n})`)).code)
    const error = await rejection(glutton)
    expect([error.constructor.name, error.code]).toEqual(['CompilerCrashError', 'ERR_COMPILER_CRASHED'])
    expect(error.message).toMatch(/^the compiler died while it compiled this source alone: .*out of memory/i)
    expect(error.report).toMatchObject({ phase: 'compile', signal: 'SIGABRT' })
    expect(await Promise.all(others)).toEqual(Array.from({ length: 20 }, (_, n) => `other(${n})`))
    expect((await box.status()).compilers[0]?.pid).not.toBe(before)
  })

  test('a flood: what is over the bounds is told when to come again', async () => {
    const answers = await Promise.allSettled(Array.from({ length: 1_000 }, async (_, n) => box.compile(`let flood: ${n}`, TS)))
    const refused = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as Error & { retryAfter?: number }] : []))
    expect(answers.length - refused.length).toBeGreaterThan(200)
    expect(refused.length).toBeGreaterThan(200)
    for (const error of refused) {
      expect([error.constructor.name, error.message]).toEqual(['OverloadedError', '256 sources wait to be compiled already'])
      expect(error.retryAfter).toBeGreaterThanOrEqual(50)
      expect(error.retryAfter).toBeLessThanOrEqual(10_000)
    }
    expect((await box.compile('let after: 1', TS)).code).toBe('let after   ')
  })
})

describe('options', () => {
  const any = (value: unknown): never => value as never
  test.each<[title: string, call: () => Promise<unknown>, message: string]>([
    ['no source', () => box.compile(any(5)), "option 'source' must be a string, got 5"],
    ['language', () => box.compile('', any({ language: 'tsx' })), "option 'language' must be one of 'js', 'ts', got \"tsx\""],
    ['format', () => box.compile('', any({ format: 'commonjs' })), "option 'format' must be one of 'script', 'module', got \"commonjs\""],
    [
      'filename',
      () => box.compile('', { filename: 'x'.repeat(1_025) }),
      `option 'filename' must have at most 1024 characters, got "${'x'.repeat(80)}…"`,
    ],
    [
      'unknown',
      () => box.compile('', any({ timeout: 5 })),
      "option 'timeout' is not an option of compile(); it takes 'language', 'format', 'filename', 'signal', got 5",
    ],
  ])('%s', async (_title, call, message) => {
    const error = await rejection(call())
    expect([error.code, error.message]).toEqual(['ERR_INVALID_OPTION', message])
  })

  test('a signal gives up at once, and others who wait for the same do not', async () => {
    expect(await rejection(box.compile('signal(0)', { signal: AbortSignal.abort(new Error('before')) }))).toMatchObject({
      message: 'before',
    })
    const controller = new AbortController()
    const given = box.compile('signal(1)', { signal: controller.signal })
    const kept = box.compile('signal(1)')
    const alone = box.compile('signal(2)', { signal: controller.signal })
    controller.abort(new Error('enough'))
    expect([await rejection(given), await rejection(alone)]).toMatchObject([{ message: 'enough' }, { message: 'enough' }])
    expect((await kept).code).toBe('signal(1)')
    expect((await box.compile('signal(2)')).code).toBe('signal(2)')
  })
})

describe('what was compiled is kept', () => {
  test('in memory: equal sources are one script', async () => {
    const [a, b] = await Promise.all([box.compile('same()'), box.compile('same()')])
    expect(b).toBe(a)
    expect(await box.compile('same()')).toBe(a)
    expect(await box.compile('same()', { filename: 'other.js' })).not.toBe(a)
  })

  test('on disk: another client, of another daemon, needs no compiler', async () => {
    using directory = temporaryDirectory()
    const cacheDir = join(directory.path, 'deep', 'cache')
    await using first = await daemon.connect({ cacheDir })
    const script = await first.compile('enum Disk { A }; import("x")', TS)
    expect(readdirSync(cacheDir)).toEqual([`${script.hash}.gbx`])
    expect([statSync(cacheDir).mode & 0o777, statSync(join(cacheDir, `${script.hash}.gbx`)).mode & 0o777]).toEqual([0o700, 0o600])

    await using other = await testDaemon()
    await using second = await other.connect({ cacheDir })
    expect(await second.compile('enum Disk { A }; import("x")', TS)).toEqual(script)
    expect((await second.status()).compilers).toEqual([])
  })

  test.each<[title: string, damage: (whole: Buffer, other: Buffer) => Buffer]>([
    ['empty', () => Buffer.alloc(0)],
    ['cut off', (whole) => whole.subarray(0, -1)],
    ['longer', (whole) => Buffer.concat([whole, Buffer.of(0)])],
    ['changed by a bit', (whole) => whole.map((byte, index) => (index === whole.length - 9 ? byte ^ 1 : byte)) as Buffer],
    ['of another version', (whole) => Buffer.from(whole.toString('latin1').replace('compiled-1', 'compiled-2'), 'latin1')],
    ['another source’s', (_whole, other) => other],
    ['no file of ours', () => Buffer.from('hello\n'.repeat(100))],
  ])('a file on disk that is %s is replaced', async (_title, damage) => {
    using directory = temporaryDirectory()
    const cacheDir = directory.path
    await using first = await daemon.connect({ cacheDir })
    const { hash } = await first.compile('disk(1)')
    const other = await first.compile('disk(2)')
    const path = join(cacheDir, `${hash}.gbx`)
    const whole = readFileSync(path)
    writeFileSync(path, damage(whole, readFileSync(join(cacheDir, `${other.hash}.gbx`))))
    await using second = await daemon.connect({ cacheDir })
    expect((await second.compile('disk(1)')).code).toBe('disk(1)')
    expect(readFileSync(path).equals(whole)).toBe(true)
  })

  test('a directory that others may write to is refused, as is what is none', async () => {
    using directory = temporaryDirectory()
    const open = join(directory.path, 'open')
    mkdirSync(open)
    chmodSync(open, 0o777)
    const file = join(directory.path, 'file')
    writeFileSync(file, '')
    const link = join(directory.path, 'link')
    symlinkSync(open, link)
    for (const cacheDir of [open, file, link, join(file, 'below')]) {
      const error = await rejection(daemon.connect({ cacheDir }))
      expect(error.code).toBe('ERR_INVALID_OPTION')
      expect(error.message).toMatch(/^option 'cacheDir' must be a directory (of this user’s|that can be made)/)
    }
  })

  test('a directory that is gone is done without', async () => {
    const directory = temporaryDirectory()
    await using cached = await daemon.connect({ cacheDir: directory.path })
    directory[Symbol.dispose]()
    expect((await cached.compile('gone()')).code).toBe('gone()')
  })
})

test('a box that was disposed compiles nothing, and what it was waiting for fails', async () => {
  const other = await daemon.connect()
  const waiting = rejection(other.compile('late()'))
  await other.dispose()
  expect([(await waiting).code, (await rejection(other.compile('later()'))).code]).toEqual(['ERR_DISPOSED', 'ERR_DISPOSED'])
  await eventually('a compiler for the others', async () => (await box.compile('others()')).code === 'others()')
})
