// V8's code caches for the worker, its realm side and the embedded daemon: what they compile when they start and serve a first client.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** How long the worker may take to write them, in milliseconds. */
const WRITE_MS = 20_000

/** `maker` is scripts/worker-cache-maker.ts as one file. */
export async function writeWorkerCaches(maker) {
  const { startDaemonWithWorker } = await import('../dist/daemon/start-daemon.js')
  const { connect } = await import('../dist/client/index.js')
  const directory = mkdtempSync(join(tmpdir(), 'glovebox-build-'))
  try {
    const socket = join(directory, 'd.sock')
    await using _daemon = await startDaemonWithWorker({ socket, logLevel: 'error', spare: 0, max: 1 }, maker)
    await using box = await connect({ socket })
    await converse(box)
    const [{ pid }] = (await box.status()).workers
    const write = () => void process.kill(pid, 'SIGUSR2')
    const run = box.run('write(); new Promise(() => {})', { globals: { write }, timeout: WRITE_MS })
    const { report, message } = await run.catch((error) => error)
    if (report?.exitCode !== 0) throw new Error(`the worker wrote no code caches: ${message}`)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** `maker` is scripts/daemon-cache-maker.ts as one file. */
export async function writeDaemonCache(maker) {
  const { connect } = await import('../dist/client/index.js')
  const directory = mkdtempSync(join(tmpdir(), 'glovebox-build-'))
  try {
    const socket = join(directory, 'd.sock')
    const child = spawn(process.execPath, [maker, JSON.stringify({ socket, logLevel: 'error' })], { stdio: ['pipe', 'pipe', 'inherit'] })
    const exited = once(child, 'exit')
    await once(child.stdout, 'data')
    {
      await using box = await connect({ socket })
      await converse(box)
    }
    child.stdin.end()
    const [code] = await exited
    if (code !== 0) throw new Error(`the embedded daemon wrote no code cache: exit code ${code}`)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** What most clients ask for. Functions that run here are in the cache; all others are compiled when they are first needed. */
async function converse(box) {
  await box.run('1 + 1')
  await box.run('x + 1', { globals: { x: 1 } })
  await box.run('(async () => ({ text: "a", list: [1, 2, { y: null }] }))()')
  await using context = await box.createContext({ base: { n: 1 }, later: async (n) => n + 1, now: (n) => n })
  await context.run('var count = 0; function add(n) { return count += n }')
  await context.call('add', 2)
  await context.set('list', [1, 'a', true, { bytes: new Uint8Array(3) }])
  await context.get('list')
  await context.run('later(1).then((n) => now(n) + base.n)')
  await context.run('throw new TypeError("no")').catch(() => undefined)
}
