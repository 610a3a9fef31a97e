import { closeSync, readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { connect } from 'glovebox'
import { startDaemon } from 'glovebox/daemon'
import { afterAll, expect, test } from 'vitest'
import { listeningSocket } from '../../src/daemon/listening-socket.ts'
import { glovebox } from '../support/command.ts'
import { temporaryDirectory } from '../support/daemons.ts'
import { eventually, rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()
const directory = temporaryDirectory()
afterAll(() => directory[Symbol.dispose]())

interface Answer {
  readonly status: number | undefined
  readonly body: string
}

async function ask(where: object, path: string, method = 'GET', headers: Record<string, string> = {}): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const asked = request({ ...where, path, method, headers, agent: false }, (response) => {
    let body = ''
    response.setEncoding('utf8').on('data', (text: string) => {
      body += text
    })
    response.on('end', () => resolve({ status: response.statusCode, body }))
  })
  asked.on('error', reject).end()
  return promise
}

test('metrics and health on a Unix socket', async () => {
  const policy = join(directory.path, 'policy.json')
  writeFileSync(policy, JSON.stringify({ tenants: { acme: { uids: [process.getuid?.()] } } }))
  const socket = join(directory.path, 'a', 'd.sock')
  const where = { socketPath: join(directory.path, 'metrics.sock') }
  await using daemon = await startDaemon({ socket, policy, metrics: where.socketPath, logLevel: 'silent' })
  await eventually('readiness', async () => (await ask(where, '/readyz')).status === 200)
  expect((await ask(where, '/metrics?collect=1')).status).toBe(200)
  expect(await ask(where, '/healthz')).toEqual({ status: 200, body: 'ok\n' })
  expect((await ask(where, '/')).status).toBe(404)
  expect((await ask(where, '/metrics', 'POST')).status).toBe(405)
  await using box = await connect({ socket })
  const ctx = await box.createContext()
  for (let run = 0; run < 3; run++) await ctx.run('1')
  await ctx.run('new Promise((resolve) => setTimeout(resolve, 30))')
  const script = await box.compile('2')
  for (let run = 0; run < 2; run++) await ctx.run(script)
  // What is no evaluation has no duration.
  await ctx.get('x')
  await rejection(ctx.run('throw 1'))
  await rejection(ctx.run('for (;;);', { timeout: 20 }))
  await rejection(ctx.run('new Promise(() => {})', { timeout: 20 }))
  await rejection(box.run('(', { fresh: 'process' }))
  const lines = await eventually('the figures', async () => {
    const { body } = await ask(where, '/metrics')
    // Two workers tell, each when it comes to it.
    const has = (outcome: string): boolean => body.includes(`glovebox_runs_total{tenant="acme",outcome="${outcome}"} 2\n`)
    return has('threw') && has('timeout') ? body : undefined
  })
  for (const line of [
    'glovebox_runs_total{tenant="acme",outcome="completed"} 7',
    // Of texts, the first of three is compiled, and five more; of the script, the first of two, with a code cache.
    'glovebox_cache_lookups_total{tenant="acme",cache="scripts",result="hit"} 3',
    'glovebox_cache_lookups_total{tenant="acme",cache="scripts",result="miss"} 7',
    'glovebox_cache_lookups_total{tenant="acme",cache="code",result="hit"} 1',
    'glovebox_cache_lookups_total{tenant="acme",cache="code",result="miss"} 0',
    'glovebox_runs_total{tenant="acme",outcome="timeout"} 2',
    'glovebox_run_duration_seconds_bucket{tenant="acme",le="+Inf"} 9',
    'glovebox_run_duration_seconds_count{tenant="acme"} 9',
    'glovebox_clients 1',
    'glovebox_leases_waiting 0',
    'glovebox_contexts{tenant="acme"} 1',
    'glovebox_layer_held{layer="L3"} 1',
    'glovebox_deaths_total{cause="oom-kill"} 0',
  ])
    expect(lines.split('\n')).toContain(line)
  expect(lines).toMatch(/^glovebox_workers\{state="bound"\} 1$/m)
  expect(lines).toMatch(/^glovebox_memory_bytes\{tenant="acme"\} \d{7,}$/m)
  expect(lines).toMatch(/^# TYPE glovebox_run_duration_seconds histogram$/m)
  // Five runs are over at once, one sleeps for 30 ms, one throws, two have 20 ms.
  const below = (bound: string): number =>
    Number(new RegExp(`^glovebox_run_duration_seconds_bucket\\{tenant="acme",le="${bound}"\\} (\\d+)$`, 'm').exec(lines)?.[1])
  expect(below('0.01')).toBeLessThanOrEqual(6)
  expect(below('10')).toBe(9)
  expect(daemon.status().tenants).toMatchObject([
    {
      tenant: 'acme',
      runs: { completed: 7, threw: 2, timeout: 2 },
      cpu: { usedMs: expect.any(Number), limitMs: undefined },
      caches: { scripts: { hits: 3, misses: 7 }, code: { hits: 1, misses: 0 } },
    },
  ])
})

test('on a loopback port a request names this machine; a draining daemon is not ready', async () => {
  const socket = join(directory.path, 'b', 'd.sock')
  await using daemon = glovebox(['serve', '--socket', socket, '--metrics', '127.0.0.1:0'], { XDG_CONFIG_HOME: directory.path })
  const [, port = ''] = await daemon.says(/"address":"127\.0\.0\.1:(\d+)"/)
  const where = { host: '127.0.0.1', port }
  await daemon.says(/listens on/)
  expect((await ask(where, '/healthz')).status).toBe(200)
  for (const host of ['evil.example', `evil.example:${port}`, '127.0.0.1', `localhost.evil.example:${port}`])
    expect((await ask(where, '/metrics', 'GET', { host })).status).toBe(421)
  await using box = await connect({ socket })
  const ctx = await box.createContext()
  const run = ctx.run('const from = Date.now(); while (Date.now() - from < 500);')
  await box.status()
  daemon.signal('SIGTERM')
  await daemon.says(/daemon stops/)
  expect(await ask(where, '/readyz')).toEqual({ status: 503, body: 'the daemon stops\n' })
  await run
  expect((await daemon.ended).code).toBe(0)
})

test.each([
  [{ metrics: '0.0.0.0:9464' }, /^option 'metrics' must be '127\.0\.0\.1:PORT', /],
  [{ metrics: '127.0.0.1:65536' }, /a port is at most 65535.*, got "127\.0\.0\.1:65536"$/],
  [{ metrics: join(directory.path, 'no', 'such.sock') }, /^metrics cannot be served at .*: there is no folder .*\/no$/],
  [{ metrics: directory.path }, /^metrics cannot be served at .*: there is something else, which is no socket$/],
])('refused: %o', async (options, message) => {
  const error = await rejection(startDaemon({ socket: join(directory.path, 'c', 'd.sock'), logLevel: 'silent', ...options }))
  expect(error.message).toMatch(message)
})

test('a file is not taken for a socket that was left behind; a socket that was, is; one that answers is not', async () => {
  const file = join(directory.path, 'precious')
  writeFileSync(file, 'precious')
  const options = { logLevel: 'silent' } as const
  const first = { ...options, socket: join(directory.path, 'd', 'd.sock') }
  expect((await rejection(startDaemon({ ...first, metrics: file }))).message).toMatch(/there is something else, which is no socket$/)
  expect(readFileSync(file, 'utf8')).toBe('precious')
  const metrics = join(directory.path, 'left.sock')
  closeSync(listeningSocket(metrics))
  await using daemon = await startDaemon({ ...first, metrics })
  expect(daemon.metrics).toBe(metrics)
  const second = { ...options, socket: join(directory.path, 'e', 'd.sock'), metrics }
  expect((await rejection(startDaemon(second))).message).toMatch(/another process listens there$/)
  expect((await ask({ socketPath: metrics }, '/healthz')).status).toBe(200)
})
