import { type ChildProcess, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connect } from 'glovebox'
import { afterAll, describe, expect, test } from 'vitest'
import { inheritedSocket } from '../../src/daemon/service/inherited-socket.ts'
import { glovebox } from '../support/command.ts'
import { temporaryDirectory } from '../support/daemons.ts'
import { rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'
import { activated, NotifySocket, packetSocket, serviceSocket } from '../support/service.ts'

checkLeaks()
const directory = temporaryDirectory()
afterAll(() => directory[Symbol.dispose]())
const env = { XDG_RUNTIME_DIR: directory.path, XDG_CONFIG_HOME: directory.path, TMPDIR: directory.path }

async function exitCode(child: ChildProcess): Promise<unknown> {
  const [code] = (await once(child, 'exit')) as unknown[]
  return code
}

test('socket activation: clients wait until the daemon is there; the socket outlives it, and serves the next', async () => {
  mkdirSync(join(directory.path, 'a'), { mode: 0o700 })
  const socket = join(directory.path, 'a', 'd.sock')
  using listening = serviceSocket(socket)
  chmodSync(socket, 0o600)
  const early = connect({ socket })
  for (const value of [1, 2]) {
    const daemon = activated(['--log-level', 'error'], env, listening.fd)
    const exited = exitCode(daemon)
    await using box = await (value === 1 ? early : connect({ socket }))
    expect(await box.run(String(value))).toBe(value)
    expect((await box.status()).daemon).toMatchObject({ pid: daemon.pid, socket })
    daemon.kill('SIGTERM')
    expect(await exited).toBe(0)
    expect(existsSync(socket)).toBe(true)
  }
})

test('a socket that others may connect to needs a policy', async () => {
  mkdirSync(join(directory.path, 'o'), { mode: 0o700 })
  const socket = join(directory.path, 'o', 'd.sock')
  using listening = serviceSocket(socket)
  chmodSync(socket, 0o666)
  const refused = activated([], env, listening.fd)
  let stderr = ''
  refused.stderr?.on('data', (text: Buffer) => {
    stderr += text.toString()
  })
  await once(refused, 'close')
  expect([refused.exitCode, stderr]).toEqual([
    2,
    `glovebox: others than this user may connect to ${socket}: that needs a 'policy', or 'SocketMode=0600' [ERR_CONFIG]\n`,
  ])
})

test('variables that are meant for another process, and sockets that are none', async () => {
  const socket = join(directory.path, 'b', 'd.sock')
  await using daemon = glovebox(['serve', '--socket', socket], { ...env, LISTEN_PID: '1', LISTEN_FDS: '1' })
  await daemon.says(/listens on .*b\/d\.sock/)
  expect(inheritedSocket({ LISTEN_PID: String(process.pid) })).toBe(undefined)
  const file = join(directory.path, 'no-socket')
  writeFileSync(file, '')
  const fd = openSync(file, 'r')
  using packets = packetSocket(join(directory.path, 'packets.sock'))
  const refused = [fd, packets.fd].map((each) => activated([], env, each))
  closeSync(fd)
  const ended = refused.map(async (each) => {
    let stderr = ''
    each.stderr?.on('data', (text: Buffer) => {
      stderr += text.toString()
    })
    await once(each, 'close')
    return [each.exitCode, stderr]
  })
  for (const outcome of await Promise.all(ended))
    expect(outcome).toEqual([
      2,
      "glovebox: the service manager passed no Unix stream socket that listens at a path; use 'ListenStream=/PATH' [ERR_CONFIG]\n",
    ])
})

describe.each([
  ['a path', join(directory.path, 'notify.sock')],
  ['an abstract name', `@glovebox-test-${process.pid}`],
])('notify at %s', (_title, name) => {
  test('ready, status, watchdog, reload, and a drain with a deadline', async () => {
    using manager = new NotifySocket(name)
    const socket = join(directory.path, 'c', 'd.sock')
    const variables = { NOTIFY_SOCKET: name, WATCHDOG_USEC: '100000' }
    await using daemon = glovebox(['serve', '--socket', socket, '--drain', '300'], { ...env, ...variables })
    await manager.hears('READY=1')
    await manager.hears(/^STATUS=1 workers, 0 in use by 0 tenants; 0 clients$/)
    for (let beat = 0; beat < 3; beat++) await manager.hears('WATCHDOG=1')
    await using box = await connect({ socket })
    const ctx = await box.createContext()
    await manager.hears(/^STATUS=\d workers, 1 in use by 1 tenants; 1 clients$/)
    daemon.signal('SIGHUP')
    expect(await manager.hears('RELOADING=1')).toMatch(/^RELOADING=1\nMONOTONIC_USEC=\d+$/)
    await manager.hears('READY=1')
    const lost = rejection(ctx.run('for (;;);', { timeout: 60_000 }))
    // Its answer comes after the run was sent.
    await box.status()
    daemon.signal('SIGTERM')
    expect(await manager.hears('STOPPING=1')).toBe('STOPPING=1\nSTATUS=lets runs finish\nEXTEND_TIMEOUT_USEC=10300000')
    // Who drains is watched, too.
    await manager.hears('WATCHDOG=1')
    await lost
    expect((await daemon.ended).code).toBe(0)
  })
})

const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0

describe.skipIf(!hasSystemd)('units (skipped without systemd-analyze)', () => {
  const unit = (path: string): string => fileURLToPath(new URL(`../../systemd/${path}`, import.meta.url))

  test.each(['system', 'user'])('systemd-analyze verify accepts those of the %s', (folder) => {
    const { status, stderr } = spawnSync(
      'systemd-analyze',
      ['verify', unit(`${folder}/glovebox.service`), unit(`${folder}/glovebox.socket`)],
      {
        encoding: 'utf8',
        env: { ...process.env, XDG_RUNTIME_DIR: directory.path },
      },
    )
    // Other units of the machine may have faults of their own.
    expect([status, stderr.split('\n').filter((line) => line.includes('glovebox'))]).toEqual([0, []])
  })

  test('the system service is hardened, but for what the layers need', () => {
    const path = unit('system/glovebox.service')
    expect(spawnSync('systemd-analyze', ['security', '--offline=true', '--threshold=30', path]).status).toBe(0)
    expect(readFileSync(path, 'utf8')).not.toMatch(
      /^(RestrictNamespaces|ProtectHostname|ProtectControlGroups|MemoryDenyWriteExecute|ProtectProc|ProcSubset)=/m,
    )
  })
})
