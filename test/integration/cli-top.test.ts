import { join } from 'node:path'
import { type Box, connect } from 'glovebox'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Command, glovebox, isPlain } from '../support/command.ts'
import { temporaryDirectory } from '../support/daemons.ts'
import { checkLeaks } from '../support/leaks.ts'
import { noTerminal, Terminal } from '../support/terminal.ts'

checkLeaks()
const directory = temporaryDirectory()
const socket = join(directory.path, 'd.sock')
const env = { GLOVEBOX_SOCKET: socket, XDG_RUNTIME_DIR: directory.path, TMPDIR: directory.path }
let shared: Command
let box: Box
const working = new AbortController()
let work: Promise<void>

beforeAll(async () => {
  shared = glovebox(['serve', '--socket', socket], { ...env, GLOVEBOX_SOCKET: '' })
  await shared.says(/listens on .*\n/)
  box = await connect({ socket })
  work = keepWorking()
})
afterAll(async () => {
  working.abort()
  await work
  await box.dispose()
  await shared[Symbol.asyncDispose]()
  directory[Symbol.dispose]()
})

/** So that there is something to see. */
async function keepWorking(): Promise<void> {
  await using context = await box.createContext()
  while (!working.signal.aborted) {
    await context.run('for (let i = 0; i < 1e5; i++);')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

test('--once prints one table', async () => {
  const { code, stdout, stderr } = await glovebox(['top', '--once', '--interval', '600'], env).ended
  expect([code, stderr]).toEqual([0, ''])
  expect(isPlain(stdout)).toBe(true)
  expect(stdout).toMatch(
    /^glovebox \S+ pid \d+, up .*, 2 clients\n\d+ of \d+ workers, 0 waiting, [\d.]+ runs\/s, cpu .*\n\ntenant +workers .*\ndefault +1 +1 +[1-9][\d.]* +0\.0 +[\d.]+ ms +[\d.]+ ms .*\n\n +worker +pid +state /,
  )
})

test('--json prints a line each time, until nobody reads', async () => {
  await using command = glovebox(['top', '--json', '--interval', '60'], env)
  const [, first = '', second = ''] = await command.says(/^(\{.*\})\n(\{.*\})\n/)
  for (const line of [first, second])
    expect(JSON.parse(line)).toMatchObject({
      intervalMs: expect.any(Number),
      runsPerSecond: expect.any(Number),
      waiting: 0,
      tenants: [{ tenant: 'default', workers: 1, contexts: 1 }],
      deaths: [],
    })
})

test.each([
  [['top'], 2, 'glovebox: there is no terminal to draw on: use --once, or --json\n'],
  [['top', '--once', '--interval', '1'], 2, 'glovebox: --interval must be 50 or more, got 1\n'],
])('%j', async (args, code, stderr) => {
  expect(await glovebox(args, env).ended).toEqual({ code, stdout: '', stderr })
})

test.skipIf(noTerminal)(`on a terminal it draws, hears keys, and leaves the screen as it was${noTerminal ?? ''}`, async () => {
  await using terminal = new Terminal(['top', '--interval', '200'], env)
  await terminal.sees(/glovebox \S+ pid \d+.* by cpu/)
  await terminal.sees(/> +\d+ +\d+ +bound +default[^]*q quit/)
  terminal.type('s')
  await terminal.sees(/by memory/)
  terminal.type('p')
  await terminal.sees(/PAUSED/)
  terminal.type('p')
  terminal.type('\r')
  await terminal.sees(/worker \d+\n +process +\d+\n[^]* at most /)
  terminal.type('\x1b[A')
  terminal.type('q')
  expect(await terminal.ended).toBe(0)
  expect(terminal.output.startsWith('\x1b[?1049h\x1b[?25l')).toBe(true)
  expect(terminal.output.endsWith('\x1b[?25h\x1b[?1049l')).toBe(true)
})
