import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Command, glovebox } from '../support/command.ts'
import { temporaryDirectory } from '../support/daemons.ts'
import { checkLeaks } from '../support/leaks.ts'
import { noTerminal, Terminal } from '../support/terminal.ts'

checkLeaks()
const directory = temporaryDirectory()
const at = (name: string): string => join(directory.path, name)
const env = {
  GLOVEBOX_SOCKET: at('d.sock'),
  XDG_RUNTIME_DIR: directory.path,
  TMPDIR: directory.path,
  GLOVEBOX_REPL_HISTORY: at('state/history'),
}
let shared: Command

beforeAll(async () => {
  shared = glovebox(['serve', '--socket', at('d.sock')], { ...env, GLOVEBOX_SOCKET: '' })
  await shared.says(/listens on .*\n/)
})
afterAll(async () => {
  await shared[Symbol.asyncDispose]()
  directory[Symbol.dispose]()
})

test('lines of a pipe, one after the other', async () => {
  const lines = [
    'let a = await 5; const { b, c: [d] } = { b: 1, c: [2] }',
    'a + b + d',
    'class Foo { x = 1; #y = 2; get z() { throw 1 } }',
    'new Foo',
    'function f(x) {',
    '  return nope(x)',
    '}',
    'f',
    '{ a: 1, get b() { throw 1 }, p: Promise.resolve(1), w: new WeakMap(), s: Symbol("x") }',
    '_.a',
    '1; f()',
    'await Promise.reject(new TypeError("no"))',
    'throw { a: 1 }',
    'for (var i = 0; i < 3; i++) await i',
    'i',
    'let a = 3',
    'if (1) 5',
    'let )',
    'new Proxy({}, { ownKeys() { throw new Error("trap") } })',
    '({ toString() { throw 1 }, get [Symbol.toStringTag]() { throw 2 } })',
    '"\\x1b[2J"',
    'console.log("\\x1b[2J")',
    '.depth 0',
    '({ a: { b: 1 } })',
  ]
  const { stdout, stderr, code } = await glovebox(['repl'], env, `${lines.join('\n')}\n`).ended
  expect(stdout.split('\n')).toEqual([
    'undefined',
    '8',
    'undefined',
    'Foo { x: 1 }',
    'undefined',
    '[Function: f]',
    '{',
    '  a: 1,',
    '  b: [Getter],',
    '  p: Promise { <state unknown> },',
    '  w: WeakMap { <items unknown> },',
    '  s: Symbol(x)',
    '}',
    '1',
    'Uncaught ReferenceError: nope is not defined',
    '    at f (REPL5:2:3)',
    '    at REPL9:1:4',
    'Uncaught TypeError: no',
    '    at REPL10:1:22',
    'Uncaught { a: 1 }',
    'undefined',
    '3',
    "Uncaught SyntaxError: Identifier 'a' has already been declared",
    '5',
    'Uncaught REPL16:1',
    'let )',
    '    ^',
    '',
    "SyntaxError: Unexpected token ')'",
    expect.stringMatching(/^<unreadable>|\{\}$/),
    '{',
    '  toString: [Function: toString],',
    '  Symbol(Symbol.toStringTag): [Getter]',
    '}',
    "'\\x1B[2J'",
    '\\x1b[2J',
    'undefined',
    '{ a: [Object] }',
    '',
  ])
  expect([stderr, code]).toEqual(['', 0])
})

test('_error is what was thrown last', async () => {
  const lines = [
    'typeof _error',
    'class Mine extends Error { extra = 1 }; var mine = new Mine("a")',
    '5; throw mine',
    '[_error === mine, _error.extra]',
    'await 1; null.x // no more',
    '_error.message',
    'const parsed = JSON.parse("{")',
    '[_error instanceof SyntaxError, _error.code]',
    'let )',
    '_error.name',
    'for (;;);',
    '_error.name',
    'function f() { throw { a: 1 } } f()',
    '_error',
    '_error = 4; throw 1',
    '_error',
    '"use strict"; undeclared = 1',
    'if (1) 7 // a comment',
  ]
  const { stdout } = await glovebox(['repl', '--timeout', '500'], env, `${lines.join('\n')}\n`).ended
  const shown = stdout.split('\n').filter((line) => !/^ {2,}/.test(line))
  expect(shown).toEqual([
    "'undefined'",
    'undefined',
    'Uncaught Error: a',
    '[ true, 1 ]',
    "Uncaught TypeError: Cannot read properties of null (reading 'x')",
    '"Cannot read properties of null (reading \'x\')"',
    expect.stringMatching(/^Uncaught SyntaxError: /),
    '[ true, undefined ]',
    'Uncaught REPL9:1',
    'let )',
    '',
    "SyntaxError: Unexpected token ')'",
    "'SyntaxError'",
    expect.stringContaining('[ERR_TIMEOUT]'),
    "'SyntaxError'",
    'Uncaught { a: 1 }',
    '{ a: 1 }',
    'Uncaught 1',
    '4',
    'Uncaught ReferenceError: undeclared is not defined',
    '7',
    '',
  ])
})

test('TypeScript', async () => {
  const lines = [
    'interface Point { x: number }',
    'let at: Point = { x: await 5 as number }',
    'function twice<T extends Point>(',
    '  p: T,',
    '): number {',
    '  return p.x * 2',
    '}',
    'twice(at) satisfies number',
    '{ a: at as unknown, b: 2 }',
    'enum Colour { Red = 3, Green }',
    'Colour.Green',
    'const s: string = `a',
    'b`; s',
    'let )',
    'null!.x as any',
    '6 +',
    '1',
    'type A =',
    '  | 1',
    'class Q { constructor(public q: number) {} }',
    'new Q(4)',
  ]
  const { stdout, stderr } = await glovebox(['repl', '--language', 'ts'], env, `${lines.join('\n')}\n`).ended
  expect(stdout.split('\n')).toEqual([
    'undefined',
    'undefined',
    'undefined',
    '10',
    '{ a: { x: 5 }, b: 2 }',
    'undefined',
    '4',
    "'a\\nb'",
    'Uncaught REPL9:1',
    'let )',
    '    ^',
    '',
    expect.stringMatching(/^SyntaxError: /),
    "Uncaught TypeError: Cannot read properties of null (reading 'x')",
    '    at REPL10:1:7',
    '7',
    'undefined',
    'undefined',
    'Q { q: 4 }',
    '',
  ])
  expect(stderr).toBe('')
})

test('what the guest leaves behind is told when it comes, and a dead worker replaced', async () => {
  const lines = [
    'setTimeout(() => { throw new Error("late") }, 1); 1',
    'await new Promise((r) => setTimeout(r, 20))',
    'x = 1',
    'let b = []; for (;;) b.push(new Array(1e6).fill(0))',
    'typeof x',
  ]
  const { stdout, stderr } = await glovebox(['repl', '--timeout', '20000'], env, `${lines.join('\n')}\n`).ended
  expect(stderr).toContain('Uncaught Error: late\n    at ')
  expect(stdout).toMatch(/\[ERR_MEMORY_LIMIT\][\s\S]*\nAll contexts are gone with their worker; this one is new\.\n'undefined'\n$/)
})

describe.skipIf(noTerminal)(`on a terminal${noTerminal ?? ''}`, () => {
  const open = async (more: readonly string[] = []): Promise<Terminal> => {
    const terminal = new Terminal(['repl', ...more], env)
    await terminal.sees(/Type \.help for more\.\n> /)
    return terminal
  }

  test('multi-line, colours, completion, history', async () => {
    await using terminal = await open()
    terminal.type('[1,\r')
    await terminal.sees(/\n\| /)
    terminal.type("'two'].map(String)\r")
    await terminal.sees(/\n *\[ '1', 'two' \]\n> /)
    expect(terminal.output).toContain("\x1b[32m'two'\x1b[39m")
    terminal.type('const settings = { verbose: 1, get dangerous() { throw 1 } }\r')
    await terminal.sees(/undefined\n> /)
    // A tab in the middle of what comes at once is one that was pasted.
    terminal.type('setti')
    await terminal.sees(/setti/)
    terminal.type('\t')
    await terminal.sees(/settings/)
    terminal.type('.verb')
    await terminal.sees(/settings\.verb/)
    terminal.type('\t')
    await terminal.sees(/settings\.verbose/)
    terminal.type('\r')
    await terminal.sees(/\n *1\n> /)
    terminal.type('globalThis.structuredC')
    await terminal.sees(/structuredC/)
    terminal.type('\t')
    await terminal.sees(/structuredClone/)
    terminal.type('(_)\r')
    await terminal.sees(/structuredClone\(_\)\n *1\n> /)
    terminal.type('.exit\r')
    expect(await terminal.ended).toBe(0)
    expect(readFileSync(at('state/history'), 'utf8')).toContain('const settings =')
    await using again = await open()
    again.type('\x1b[A\x1b[A')
    await again.sees(/structuredClone\(_\)/)
    again.type('\x15\x04')
    expect(await again.ended).toBe(0)
  })

  test('Ctrl-C interrupts what runs, and the context stays', async () => {
    await using terminal = await open(['--timeout', '60000'])
    terminal.type('var kept = 42\r')
    await terminal.sees(/undefined\n> /)
    terminal.type("console.log('begun'); await new Promise((r) => setTimeout(r, 20)); for (;;);\r")
    await terminal.sees(/begun\n/)
    terminal.type('\x03')
    await terminal.sees(/Interrupted\. The context is as it was then\.\n> /)
    terminal.type('await new Promise(() => undefined)\r')
    await terminal.sees(/undefined\)\n/)
    terminal.type('\x03')
    await terminal.sees(/Interrupted/)
    terminal.type('kept\r')
    await terminal.sees(/42\n> /)
    terminal.type('\x03')
    await terminal.sees(/To exit, press Ctrl\+C again/)
    terminal.type('\x03')
    expect(await terminal.ended).toBe(0)
  })

  test('.context, .clear, .save, .load', async () => {
    writeFileSync(at('loaded.js'), 'function twice(x) {\n  return 2 * x\n}\nvar loaded = twice(21)\n')
    await using terminal = await open()
    terminal.type(`.load ${at('loaded.js')}\r`)
    await terminal.sees(/undefined\n> /)
    terminal.type('loaded\r')
    await terminal.sees(/42\n> /)
    terminal.type(`.save ${at('saved.js')}\r`)
    await terminal.sees(/Session saved to/)
    expect(existsSync(at('saved.js')) && readFileSync(at('saved.js'), 'utf8')).toContain('\nloaded')
    terminal.type('.context other\r')
    await terminal.sees(/Made the context other\.\nother> /)
    terminal.type('typeof loaded\r')
    await terminal.sees(/'undefined'\nother> /)
    terminal.type('.context\r')
    await terminal.sees(/ {2}main\n\* other\nother> /)
    terminal.type('.context main\r')
    await terminal.sees(/\n *main> /)
    terminal.type('loaded\r')
    await terminal.sees(/42\nmain> /)
    terminal.type('.clear\r')
    await terminal.sees(/The context is a new one\.\nmain> /)
    terminal.type('typeof loaded\r')
    await terminal.sees(/'undefined'\n/)
  })
})
