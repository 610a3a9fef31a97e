import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { connect, type Status } from 'glovebox'
import { afterAll, expect, test } from 'vitest'
import { type Command, glovebox, isPlain } from '../support/command.ts'
import { temporaryDirectory } from '../support/daemons.ts'
import { rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'
import { gone } from '../support/processes.ts'

checkLeaks()
const directory = temporaryDirectory()
afterAll(() => directory[Symbol.dispose]())
const at = (name: string): string => join(directory.path, name)
/** Finds no daemon by itself. */
const env = { XDG_RUNTIME_DIR: directory.path, TMPDIR: directory.path }

async function serve(path: string, ...flags: readonly string[]): Promise<Command> {
  const command = glovebox(['serve', '--socket', path, ...flags], env)
  await command.says(/listens on .*\n/)
  return command
}

/** Runs a command about the daemon on that socket; it must succeed. */
async function ask(path: string, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await glovebox([...args, '--socket', path], env).ended
  expect([code, stderr]).toEqual([0, ''])
  expect(isPlain(stdout)).toBe(true)
  return stdout
}

/** The daemon ended well, and left neither a process nor a file. */
async function endedCleanly(daemon: Command, folder: string, { workers }: Status): Promise<void> {
  expect((await daemon.ended).code).toBe(0)
  await gone([daemon.pid, ...workers.flatMap(({ pid }) => pid ?? [])])
  expect(readdirSync(at(folder))).toEqual([])
}

test('serve, status and stop', async () => {
  const path = at('own/d.sock')
  await using daemon = await serve(path, '--spare', '2', '--max', '3', '--memory', '64M', '--timeout', '700')
  expect(await ask(path, 'run', '-e', '1')).toBe('1\n')
  const status = JSON.parse(await ask(path, 'status', '--json')) as Status
  expect(status.daemon).toMatchObject({ pid: daemon.pid, socket: path })
  expect(status.limits).toMatchObject({ memoryBytes: 64 * 1024 * 1024, timeoutMs: 700, maxWorkers: 3 })
  expect(await ask(path, 'status')).toMatch(
    /^glovebox \d.*\n {2}socket +\S+d\.sock\n.*\nworkers\nworker +pid +state.*\n +\d+ +\d+ +(spare|booting) /s,
  )
  expect(await ask(path, 'stop')).toBe(`stopped the daemon on ${path} (pid ${daemon.pid})\n`)
  await endedCleanly(daemon, 'own', status)
})

test('status tells how workers died', async () => {
  const path = at('deaths/d.sock')
  await using daemon = await serve(path, '--log-level', 'warn')
  await using box = await connect({ socket: path })
  const context = await box.createContext()
  const lost = rejection(context.run('for (;;);'))
  for (const { pid, state } of (await box.status()).workers) if (state === 'bound') process.kill(pid as number, 'SIGKILL')
  expect(await lost).toMatchObject({ code: 'ERR_WORKER_CRASHED' })
  expect(await ask(path, 'status')).toMatch(/\nrecent deaths\nworker +lived .*\n +\d+ .* SIGKILL +not by the daemon\n/s)
  const status = await box.status()
  daemon.signal('SIGINT')
  await endedCleanly(daemon, 'deaths', status)
})

test('SIGTERM lets runs finish', async () => {
  const path = at('drain/d.sock')
  await using daemon = await serve(path)
  await using box = await connect({ socket: path })
  const context = await box.createContext()
  const run = context.run("const from = Date.now(); while (Date.now() - from < 300); 'finished'")
  // The daemon's answer comes after the run was sent to the worker.
  const status = await box.status()
  daemon.signal('SIGTERM')
  await expect(run).resolves.toBe('finished')
  await endedCleanly(daemon, 'drain', status)
})

test('a second signal stops at once', async () => {
  const path = at('twice/d.sock')
  await using daemon = await serve(path, '--drain', '600000')
  await using box = await connect({ socket: path })
  const context = await box.createContext()
  const lost = rejection(context.run('for (;;);', { timeout: 600_000 }))
  const status = await box.status()
  daemon.signal('SIGTERM')
  await daemon.says(/daemon stops/)
  daemon.signal('SIGTERM')
  await lost
  await endedCleanly(daemon, 'twice', status)
})
