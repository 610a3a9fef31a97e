import { spawnSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'glovebox'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CLI_FILE, type Command, glovebox } from '../support/command.ts'
import { temporaryDirectory } from '../support/daemons.ts'
import { eventually } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'
import { noTerminal, Terminal } from '../support/terminal.ts'

checkLeaks()
const directory = temporaryDirectory()
const socket = join(directory.path, 'd.sock')
const env = { GLOVEBOX_SOCKET: socket, XDG_RUNTIME_DIR: directory.path, TMPDIR: directory.path }
let shared: Command

beforeAll(async () => {
  shared = glovebox(['serve', '--socket', socket], { ...env, GLOVEBOX_SOCKET: '' })
  await shared.says(/listens on .*\n/)
})
afterAll(async () => {
  await shared[Symbol.asyncDispose]()
  directory[Symbol.dispose]()
})

/** The text, with figures as N. */
const figures = (text: string): string => text.replaceAll(/\d+(\.\d+)?/g, 'N')

test('--stats says what a run took', async () => {
  const { stdout, stderr } = await glovebox(['run', '--stats', '-e', '6 * 7'], env).ended
  expect(stdout).toBe('42\n')
  expect(figures(stderr)).toBe('time N ms, CPU N ms, peak memory N MiB (worker N)\n')
})

test('--stats --json, of a run that fails too', async () => {
  const { stdout, code } = await glovebox(['run', '--stats', '--json', '--timeout', '60', '-e', 'for (;;);'], env).ended
  const { error, stats } = JSON.parse(stdout)
  expect(error).toMatchObject({ code: 'ERR_TIMEOUT', hint: expect.stringContaining('--timeout') })
  expect(stats).toEqual({
    wallMs: expect.any(Number),
    cpuMs: expect.any(Number),
    peakRssBytes: expect.any(Number),
    worker: expect.any(Number),
  })
  expect(stats.cpuMs).toBeGreaterThan(0)
  expect(code).toBe(4)
})

test('--module runs code as a module, from -e too', async () => {
  const { stdout } = await glovebox(['run', '--module', '-e', 'console.log(await 42, import.meta.url !== undefined)'], env).ended
  expect(stdout).toBe('42 true\n')
})

test.each([
  [['--no-jit', '-e', 'typeof WebAssembly'], { value: 'undefined' }],
  [['--trust', 'hostile', '--module', '-e', 'console.log(1)'], {}],
  [['--dedicated', '--memory', '32M', '--stats', '-e', '6 * 7'], { value: 42 }],
  [['--trust', 'hostile', '-e', '"x".repeat(2_000_000)'], { error: { code: 'ERR_OUTPUT_LIMIT' } }],
  [['--memory', '64G', '-e', '1'], { error: { code: 'ERR_INVALID_OPTION', message: expect.stringContaining("'memory' must be") } }],
])('where a run runs: %j', async (args, expected) => {
  expect(JSON.parse((await glovebox(['run', '--json', ...args], env).ended).stdout)).toMatchObject(expected)
})

test('a dedicated run kills nobody else, and leaves no worker behind', async () => {
  await using box = await connect({ socket })
  const bound = async (): Promise<number> => (await box.status()).workers.filter(({ state }) => state === 'bound').length
  const context = await box.createContext({ x: 1 })
  const before = await bound()
  const { code } = await glovebox(['run', '--dedicated', '-e', 'const all = []; for (;;) all.push(Array(1e6).fill(1.5))'], env).ended
  expect(code).toBe(4)
  expect(await context.run('x + 1')).toBe(2)
  await eventually('its end', async () => (await bound()) <= before)
})

test.each([
  ['a terminal is wanted', { FORCE_COLOR: '1' }, '\x1b[33m42\x1b[39m\n'],
  ['there is none', {}, '42\n'],
  ['none is wanted', { NO_COLOR: '1' }, '42\n'],
])('colours where %s', async (_, more, expected) => {
  expect((await glovebox(['run', '-e', '42'], { ...env, ...more }).ended).stdout).toBe(expected)
})

test('Ctrl-C cancels the run', async () => {
  // What a run writes is sent when its code rests: it loops later.
  const code = "console.log('begun'); new Promise(() => setTimeout(() => { for (;;); }, 20))"
  await using command = glovebox(['run', '--timeout', '60000', '-e', code], env)
  await command.says(/begun/)
  command.signal('SIGINT')
  expect(await command.ended).toMatchObject({ code: 130, stderr: 'glovebox: cancelled\n' })
})

test.skipIf(noTerminal)(`on a terminal: console as it comes, a spinner, colours, Ctrl-C${noTerminal ?? ''}`, async () => {
  const code = "console.log('\\x1b[2Jbegun', { a: 1 }); new Promise(() => undefined)"
  await using terminal = new Terminal(['run', '--timeout', '60000', '-e', code], env)
  await terminal.sees(/\\x1b\[2Jbegun \{ a: 1 \}\n/)
  await terminal.sees(/⠙ running, 1 s \(Ctrl-C cancels\)/)
  terminal.type('\x03')
  await terminal.sees(/glovebox: cancelled\n/)
  expect(await terminal.ended).toBe(130)
  expect(terminal.output).toContain('\x1b[31mglovebox:\x1b[39m')
  expect(terminal.output).not.toContain('\x1b[2J')
})

test.each([
  [
    ['run', '-e', 'for (;;);', '--timeout', '50'],
    4,
    `glovebox: run N ('[eval]') computed until its deadline of N ms passed (after N ms, of which N ms computing) [ERR_TIMEOUT]
  worker N, N ms, of which N ms computing
  Raise the deadline with --timeout MS, at most what 'glovebox config print' shows as maxTimeout for the daemon.
`,
  ],
  [
    ['run', '-e', 'let a = 1;\nlet b = (a +;'],
    1,
    `Uncaught [eval]:N
let b = (a +;
            ^

SyntaxError: Unexpected token ';'
`,
  ],
  [
    ['run', '-e', 'new WeakMap()'],
    1,
    `glovebox: value: a WeakMap cannot cross [ERR_VALUE_UNSUPPORTED]
  worker N, N ms, of which N ms computing
  Return data in its place, or write it to the console, which shows everything.
`,
  ],
  [
    ['status', '--tenant', 'acme'],
    3,
    `glovebox: this daemon has no tenant 'acme' [ERR_ACCESS_DENIED]
  Give --tenant and $GLOVEBOX_TOKEN as the policy has them, or ask who runs the daemon: docs/tenants.md.
`,
  ],
  [
    ['status', '--socket', '/nonexistent/d.sock'],
    3,
    `glovebox: cannot connect to /nonexistent/d.sock: no daemon is running there. Start one with 'glovebox serve'; connect() does so by itself with spawn: true [ERR_CONNECTION]
`,
  ],
])('what a person reads: %j', async (args, code, expected) => {
  const ended = await glovebox(args, env).ended
  expect([figures(ended.stderr), ended.code]).toEqual([expected, code])
})

test.each([
  [
    ['run', '--json', '/nonexistent/rule.js'],
    { exitCode: 2, message: expect.stringMatching(/^cannot read '\/nonexistent\/rule\.js'/) as string },
  ],
  [['run', '--json', '--bogus'], { exitCode: 2, message: "unknown option '--bogus'" }],
  [['status', '--json', '--socket', '/nonexistent/d.sock'], { exitCode: 3, code: 'ERR_CONNECTION' }],
  [['stop', '--json', '--socket', '/nonexistent/d.sock'], { exitCode: 3, code: 'ERR_CONNECTION' }],
  [['config', 'print', '--json', '/nonexistent.json'], { exitCode: 2, code: 'ERR_CONFIG' }],
])('what a program reads of a failure: %j', async (args, error) => {
  const { code, stdout } = await glovebox(args, env).ended
  expect(JSON.parse(stdout)).toMatchObject({ ok: false, error })
  expect(code).toBe(error.exitCode)
})

test('a source over the limit has no worker, and no times', async () => {
  const { code, stderr } = await glovebox(['run'], env, ' '.repeat(2 ** 24 + 1)).ended
  expect([code, stderr]).toEqual([4, 'glovebox: the source has 16777217 characters, over the limit of 16777216 [ERR_SOURCE_LIMIT]\n'])
})

test('a result that cannot be written is no success', () => {
  const full = openSync('/dev/full', 'w')
  const { status, stderr } = spawnSync(process.execPath, [CLI_FILE, 'token'], { stdio: ['ignore', full, 'pipe'], encoding: 'utf8' })
  closeSync(full)
  expect([status, stderr]).toEqual([70, 'glovebox: cannot write to standard output: ENOSPC: no space left on device, write\n'])
})
