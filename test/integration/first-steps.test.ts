import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Box, connect } from 'glovebox'
import { expect, test } from 'vitest'
import { findBubblewrap } from '../../dist/daemon/sandbox/bubblewrap.js'
import { temporaryDirectory } from '../support/daemons.ts'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()

const EMBEDDED = fileURLToPath(new URL('../../dist/daemon/embedded.cjs', import.meta.url))
const bubblewrap = findBubblewrap()

interface Embedded extends AsyncDisposable {
  readonly socket: string
  /** Its first line. */
  readonly said: { readonly socket?: string; readonly code?: string; readonly message?: string }
  /** How bubblewrap was called, a line each. */
  calls(): readonly string[]
}

/** An embedded daemon, with a shell script in the place of bubblewrap. */
async function embedded(script: string, options: object = {}): Promise<Embedded> {
  const directory = temporaryDirectory()
  const program = join(directory.path, 'bwrap')
  const calls = join(directory.path, 'calls')
  writeFileSync(program, `#!/bin/sh\necho "$@" >> ${calls}\n${script}\n`)
  chmodSync(program, 0o755)
  const socket = join(directory.path, 'run', 'd.sock')
  const child = spawn(process.execPath, [EMBEDDED, JSON.stringify({ socket, logLevel: 'silent', ...options })], {
    env: { PATH: `${directory.path}:${dirname(process.execPath)}:/usr/bin:/bin` },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  return {
    socket,
    said: JSON.parse(line.toString()) as Embedded['said'],
    calls: () => (existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : []),
    async [Symbol.asyncDispose]() {
      child.stdin.end()
      await exited
      directory[Symbol.dispose]()
    },
  }
}

const GUARDIAN = new URL('../../dist/daemon/guardian.js', import.meta.url).href
/** Uses up the descriptors, asks for a watch, gives them back and asks again. */
const WITHOUT_DESCRIPTORS = `
import { closeSync, openSync } from 'node:fs'
import { Guardian } from ${JSON.stringify(GUARDIAN)}
await using guardian = new Guardian()
const opened = []
try {
  for (;;) opened.push(openSync('/dev/null', 'r'))
} catch {}
const first = guardian.watch(999_999_999)
for (const fd of opened) closeSync(fd)
const second = guardian.watch(999_999_999)
first()
second()
console.log('watched')
`

test('where no process can be started there is no guardian, and all goes on; the next watch starts it', () => {
  const command = `ulimit -n 64 && exec ${process.execPath} --input-type=module -e "$0"`
  const { stdout, stderr } = spawnSync('/bin/sh', ['-c', command, WITHOUT_DESCRIPTORS], { encoding: 'utf8' })
  expect([stdout, stderr]).toEqual(['watched\n', ''])
})

/** Why there is no sandbox; undefined if there is. */
async function absence(box: Box): Promise<string | undefined> {
  const { absent, layers } = (await box.status()).confinement
  const reason = absent.find(({ layer }) => layer === 'L4')?.reason
  expect(layers.some(({ layer, held }) => layer === 'L4' && held)).toBe(reason === undefined)
  return reason
}

test('the sandbox is tried out with the first worker, and not besides', async ({ skip }) => {
  if (bubblewrap === undefined) return skip('bubblewrap is not installed')
  await using daemon = await embedded(`exec ${bubblewrap} "$@"`)
  expect(daemon.said).toEqual({ socket: daemon.socket })
  const called = daemon.calls()
  expect(called).toHaveLength(1)
  expect(called[0]).not.toContain('--version')
  await using box = await connect({ socket: daemon.socket })
  expect(await box.run('6 * 7')).toBe(42)
  expect(await absence(box)).toBeUndefined()
  expect((await box.status()).workers.map(({ worker }) => worker)).toContain(1)
})

test.each<[what: string, script: string, reason: RegExp]>([
  ['says why it cannot', 'echo "bwrap: no room" >&2; exit 1', /bwrap: no room/],
  ['ends without a word', 'exit 3', /ended with 3/],
])('a bubblewrap that %s is done without', async (_what, script, reason) => {
  await using daemon = await embedded(script)
  await using box = await connect({ socket: daemon.socket })
  expect(await box.run('6 * 7')).toBe(42)
  expect(await absence(box)).toMatch(reason)
})

test('one that starts nothing and says that all is well gives no worker', async () => {
  await using daemon = await embedded('exec /bin/true')
  await using box = await connect({ socket: daemon.socket })
  await expect(box.run('1')).rejects.toMatchObject({ code: 'ERR_WORKER_BOOT' })
})

test('with options of its own it begins with nothing', async () => {
  await using daemon = await embedded('exit 3', { confinement: 'process' })
  expect(daemon.calls()).toEqual([])
  await using box = await connect({ socket: daemon.socket })
  expect(await box.run('6 * 7')).toBe(42)
})

test('a socket that another daemon has is told, and nothing is started', async () => {
  await using first = await embedded('exit 3')
  await using second = await embedded('exit 3', { socket: first.socket })
  expect(second.said).toMatchObject({ code: 'ERR_SOCKET_IN_USE' })
  expect(second.calls()).toEqual([])
})

test('options that are none are refused, and leave nothing', async () => {
  await using daemon = await embedded('exit 3', { logLevel: 'loud' })
  expect(daemon.said).toMatchObject({ code: 'ERR_INVALID_OPTION' })
  expect(readdirSync(dirname(daemon.socket))).toEqual([])
})
