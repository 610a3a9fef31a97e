import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Command, type Ended, glovebox, isPlain, textLike } from '../support/command.ts'
import { temporaryDirectory } from '../support/daemons.ts'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()
const directory = temporaryDirectory()
const at = (name: string): string => join(directory.path, name)
const socket = at('shared/d.sock')
/** Finds the daemon that serves all tests that need none of their own. */
const env = { GLOVEBOX_SOCKET: socket, XDG_RUNTIME_DIR: directory.path, TMPDIR: directory.path }
/** Finds none. */
const alone = { XDG_RUNTIME_DIR: directory.path, TMPDIR: directory.path }
let shared: Command

beforeAll(async () => {
  shared = glovebox(['serve', '--socket', socket], alone)
  await shared.says(/listens on .*\n/)
  writeFileSync(at('answer.js'), 'const half = 21\nhalf * 2\n')
  writeFileSync(at('broken.js'), 'const a = 1\nlet b = ;\n')
  writeFileSync(at('rule.ts'), 'enum Rule { Answer = 42 }\nlet a: number = Rule.Answer\na')
  writeFileSync(at('marked.js'), '\ufeff#!/usr/bin/env node\n6 * 7')
  mkdirSync(at('app/lib'), { recursive: true })
  const modules = {
    'main.mjs': `import { E, name } from './lib/./x.ts'\nimport data from './data.json' with { type: 'json' }
      export const w = new WeakMap()\nconsole.log(E.A, data)\nconst m = await import('./lib/../lib/x.ts')\nconsole.log(m.name)`,
    'lib/x.ts': `export enum E { A = 42 }\nexport const name: string = 'lib/deep/../x.ts'\n\nexport function f() {\n  throw new Error('1')\n}`,
    'data.json': '{"a":1}',
    'typed.mts': 'enum N { A = 7 }\nconsole.log(N.A)',
    'throws.mjs': `import { f } from './lib/x.ts'\nf()`,
    'broken.mjs': 'let a\nlet b = ;',
    'loops.mjs': 'for (;;);',
    'missing.mjs': `import './none.mjs'`,
    'outside.mjs': `import '../answer.js'`,
    'linked.mjs': `import './link.mjs'`,
    'absolute.mjs': `import '/etc/passwd'`,
    'folder.mjs': `import './lib'`,
  }
  for (const [name, source] of Object.entries(modules)) writeFileSync(at(`app/${name}`), source)
  symlinkSync(at('answer.js'), at('app/link.mjs'))
  writeFileSync(at('wrong.cts'), 'let a: number = 1\nlet b: = 2')
})
afterAll(async () => {
  await shared[Symbol.asyncDispose]()
  directory[Symbol.dispose]()
})

type Expected = readonly [code: number, stdout: string | RegExp, stderr: string | RegExp]

function check({ code, stdout, stderr }: Ended, [wantedCode, wantedStdout, wantedStderr]: Expected): void {
  expect(stdout).toEqual(textLike(wantedStdout))
  expect(stderr).toEqual(textLike(wantedStderr))
  expect(code).toBe(wantedCode)
  expect(isPlain(stdout + stderr)).toBe(true)
}

test.each<[name: string, args: readonly string[], expected: Expected, stdin?: string]>([
  ['-e', ['-e', '6 * 7'], [0, '42\n', '']],
  ['a value as a REPL shows it', ['-e', "({ a: 'x', m: new Map([[1, [2]]]) })"], [0, "{ a: 'x', m: Map(1) { 1 => [ 2 ] } }\n", '']],
  ['undefined prints nothing', ['-e', 'void 0'], [0, '', '']],
  ['a promise is awaited', ['-e', '(async () => { await 0; return 1n })()'], [0, '1n\n', '']],
  ['code that begins with a dash', ['-e', '-1'], [0, '-1\n', '']],
  ['a file', [at('answer.js')], [0, '42\n', '']],
  ['standard input', [], [0, '5\n', ''], '2 + 3'],
  ['standard input by name', ['-'], [0, "'ä€'\n", ''], "'ä€'"],
  [
    'the guest throws',
    ['--filename', 'a.js'],
    [1, '', 'Uncaught TypeError: no\n    at f (a.js:1:22)\n    at a.js:2:1\n'],
    "function f() { throw new TypeError('no') }\nf()",
  ],
  ['the guest throws no error', ['-e', 'throw { a: 1 }'], [1, '', 'Uncaught { a: 1 }\n']],
  [
    'an error with more to it',
    ['-e', "throw Object.assign(new Error('a', { cause: 'b' }), { code: 'C' })"],
    [1, '', /^Uncaught Error: a\n {4}at \[eval\]:1:21 \{ code: 'C', cause: 'b' \}\n$/],
  ],
  [
    'a syntax error with its caret',
    [at('broken.js')],
    [1, '', `Uncaught ${at('broken.js')}:2\nlet b = ;\n        ^\n\nSyntaxError: Unexpected token ';'\n`],
  ],
  ['what cannot leave the sandbox', ['-e', '({ f: new WeakMap() })'], [1, '', /value\.f.*\[ERR_VALUE_UNSUPPORTED\]/]],
  [
    'escape sequences of a guest are shown, not obeyed',
    ['-e', "throw new Error('\\x1b]0;title\\x07')"],
    [1, '', /^Uncaught Error: \\x1b\]0;title\\x07\n/],
  ],
  ['the deadline', ['-e', 'for (;;);', '--timeout', '50'], [4, '', /\[ERR_TIMEOUT\]\n {2}worker \d+, \d+ ms/]],
  ['a result that is too large', ['-e', "'x'.repeat(2 ** 25)"], [4, '', /\[ERR_OUTPUT_LIMIT\]/]],
  ['a result that is too deep', ['-e', 'let d; for (let i = 0; i < 200; i++) d = [d]; d'], [4, '', /\[ERR_VALUE_TOO_DEEP\]/]],
  [
    'no daemon',
    ['-e', '1', '--socket', at('none.sock')],
    [3, '', /^glovebox: cannot connect to .*none\.sock: no daemon is running there.*\[ERR_CONNECTION\]\n$/],
  ],
  ['a bad flag', ['--bogus'], [2, '', /^glovebox: unknown option '--bogus'\n/]],
  [
    'a flag that is no number',
    ['-e', '1', '--timeout', 'soon'],
    [2, '', /^glovebox: option '--timeout <ms>' argument 'soon' is invalid\. It must be a whole number\.\n/],
  ],
  [
    'a flag out of range',
    ['-e', '1', '--timeout', '0'],
    [2, '', /^glovebox: option 'timeout' must be a whole number from 1 to \d+, got 0/],
  ],
  ['a file and code', [at('answer.js'), '-e', '1'], [2, '', /give one\n$/]],
  ['two files', ['a.js', 'b.js'], [2, '', /too many arguments/]],
  ['a file that is not there', [at('none.js')], [2, '', /^glovebox: cannot read '.*none\.js': ENOENT/]],
  ['TypeScript', [at('rule.ts')], [0, '42\n', '']],
  [
    'TypeScript that does not parse',
    [at('wrong.cts')],
    [1, '', /^Uncaught .*wrong\.cts:2\nlet b: = 2\n {7}\^\n\nSyntaxError: Unexpected token/],
  ],
  ['TypeScript by name', ['--language', 'ts', '-e', 'let x: number = 42; x'], [0, '42\n', '']],
  ['JavaScript by name', ['--language', 'js', at('rule.ts')], [1, '', /^Uncaught .*rule\.ts:1\n/]],
  ['a file with a byte order mark and a hashbang', [at('marked.js')], [0, '42\n', '']],
  [
    'JSX',
    ['page.tsx'],
    [
      2,
      '',
      /^glovebox: cannot run 'page\.tsx': no engine runs JSX; bundle it first, 'glovebox bundle page\.tsx -o FILE\.js', and run that\n$/,
    ],
  ],
  ['a language that is none', ['--language', 'tsx', '-e', '1'], [2, '', /Allowed choices are js, ts/]],
  ['a module, and what it imports', [at('app/main.mjs')], [0, '42 { a: 1 }\nlib/deep/../x.ts\n', '']],
  ['a TypeScript module', [at('app/typed.mts')], [0, '7\n', '']],
  [
    'a module that throws',
    [at('app/throws.mjs')],
    [1, '', `Uncaught Error: 1\n    at f (${at('app/lib/x.ts')}:5:9)\n    at ${at('app/throws.mjs')}:2:1\n`],
  ],
  ['a module that does not parse', [at('app/broken.mjs')], [1, '', /^Uncaught .*app\/broken\.mjs:2\nlet b = ;\n {8}\^\n\nSyntaxError: /]],
  ['a module that never ends', [at('app/loops.mjs'), '--timeout', '80'], [4, '', /\[ERR_TIMEOUT\]/]],
  ['a module that is not there', [at('app/missing.mjs')], [1, '', /Cannot find module '\.\/none\.mjs' imported from 'missing\.mjs'/]],
  [
    'a module outside of the folder',
    [at('app/outside.mjs')],
    [1, '', /Cannot load module '\.\.\/answer\.js' imported from 'outside\.mjs': it is outside of the folder of 'outside\.mjs'/],
  ],
  [
    'a module outside of the folder, by a link',
    [at('app/linked.mjs')],
    [1, '', /'\.\/link\.mjs' imported from 'linked\.mjs': it is outside/],
  ],
  [
    'a module by its path',
    [at('app/absolute.mjs')],
    [1, '', /'\/etc\/passwd' imported from 'absolute\.mjs': only what begins with '\.\/' or '\.\.\/' is read from disk/],
  ],
  ['a folder', [at('app/folder.mjs')], [1, '', /'\.\/lib' imported from 'folder\.mjs': it is not a file/]],
  ['a module, as JSON', ['--json', at('app/typed.mts')], [0, '{"ok":true,"text":"undefined"}\n', '7\n']],
])('run: %s', async (_, args, expected, stdin) => {
  check(await glovebox(['run', ...args], env, stdin).ended, expected)
})

test.each<[source: string, code: number, document: unknown]>([
  ['({ a: [1, null] })', 0, { ok: true, value: { a: [1, null] }, text: '{ a: [ 1, null ] }' }],
  ['new Map([[1, 2]])', 0, { ok: true, text: 'Map(1) { 1 => 2 }' }],
  ['undefined', 0, { ok: true, text: 'undefined' }],
  [
    "throw new RangeError('no')",
    1,
    { ok: false, error: { exitCode: 1, code: 'ERR_GUEST', name: 'RangeError', message: 'no', stack: 'RangeError: no\n    at [eval]:1:7' } },
  ],
  ["throw Object.assign(new Error('x'), { name: 1n, stack: { toString: 1 } })", 1, { ok: false, error: { exitCode: 1, message: 'x' } }],
  ['for (;;);', 4, { ok: false, error: { exitCode: 4, code: 'ERR_TIMEOUT', name: 'TimeoutError', report: { phase: 'run' } } }],
])('run --json: %s', async (source, wantedCode, document) => {
  const { code, stdout } = await glovebox(['run', '--json', '--timeout', '100', '-e', source], env).ended
  expect(stdout.trimEnd()).not.toContain('\n')
  expect(JSON.parse(stdout)).toMatchObject(document as object)
  expect(code).toBe(wantedCode)
})

test('run: without a daemon it starts one, and leaves nothing', async () => {
  using scratch = temporaryDirectory()
  const quiet = { XDG_RUNTIME_DIR: scratch.path, TMPDIR: scratch.path }
  check(await glovebox(['run', '-e', '6 * 7'], quiet).ended, [0, '42\n', ''])
  expect(readdirSync(scratch.path)).toEqual([])
})

describe('the program', () => {
  test.each<[args: readonly string[], expected: Expected]>([
    [[], [2, '', /^Usage: glovebox .*Exit codes:/s]],
    [['--help'], [0, /^Usage: glovebox .*Examples:.*Exit codes:/s, '']],
    [['--version'], [0, /^\d+\.\d+\.\d+\n$/, '']],
    [['frobnicate'], [2, '', /^glovebox: unknown command 'frobnicate'\n/]],
    [
      ['serve', '--memory', 'lots'],
      [2, '', /option 'memory' must be a number of bytes from .*, got "lots"/],
    ],
    [
      ['serve', '--log-level', 'loud'],
      [2, '', /option 'logLevel' must be one of/],
    ],
    [
      ['serve', '--socket', socket],
      [3, '', /\[ERR_SOCKET_IN_USE\]/],
    ],
    [
      ['status', '--socket', at('none.sock')],
      [3, '', /no daemon is running there/],
    ],
    [
      ['stop', '--socket', at('none.sock')],
      [3, '', /no daemon is running there/],
    ],
  ])('%j', async (args, expected) => {
    check(await glovebox(args, alone).ended, expected)
  })

  test.each(['serve', 'run', 'bundle', 'status', 'stop'])('%s --help has examples', async (name) => {
    check(await glovebox([name, '--help'], alone).ended, [0, /^Usage: glovebox .*\nExamples:\n {2}\S/s, ''])
  })
})
