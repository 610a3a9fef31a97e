import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connect } from 'glovebox'
import { expect, test } from 'vitest'
import { startDaemonWithWorker } from '../../dist/daemon/start-daemon.js'
import { temporaryDirectory } from '../support/daemons.ts'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()

const BUILT = fileURLToPath(new URL('../../dist/worker', import.meta.url))
const EMBEDDED = fileURLToPath(new URL('../../dist/daemon/embedded.cjs', import.meta.url))

/** CommonJS that appends to the file `said`, of each script that is given a code cache from now on, whether V8 takes it. */
const telling = (said: string): string => `const vm = require('node:vm')
const { appendFileSync } = require('node:fs')
const { Script } = vm
vm.Script = class extends Script {
  constructor(text, options) {
    super(text, options)
    if (options?.cachedData !== undefined) appendFileSync(${JSON.stringify(said)}, JSON.stringify([options.filename, !this.cachedDataRejected]) + '\\n')
  }
}
`

function readSaid(said: string): Record<string, boolean> {
  const lines = existsSync(said) ? readFileSync(said, 'utf8').trim().split('\n') : []
  return Object.fromEntries(lines.map((line) => JSON.parse(line) as [string, boolean]))
}

/** Starts what `folder` has of a built worker, and says of each script that was given a code cache whether V8 took it. */
async function cachesTaken(folder: string): Promise<Record<string, boolean>> {
  using directory = temporaryDirectory()
  const said = join(directory.path, 'said')
  const file = join(directory.path, 'start.cjs')
  writeFileSync(file, `${telling(said)}require(${JSON.stringify(join(folder, 'boot.cjs'))})\n`)
  const socket = join(directory.path, 'd.sock')
  await using _daemon = await startDaemonWithWorker({ socket, logLevel: 'silent', spare: 0, max: 1 }, file)
  await using box = await connect({ socket })
  expect(await box.run('[1, 2].map((n) => n + 1)')).toEqual([2, 3])
  return readSaid(said)
}

test('a worker starts with both caches of its build', async () => {
  expect(await cachesTaken(BUILT)).toEqual({ 'glovebox:worker': true, 'glovebox:realm': true })
})

test('caches of another build are not used', async () => {
  using directory = temporaryDirectory()
  cpSync(BUILT, directory.path, { recursive: true })
  const program = join(directory.path, 'worker.cjs')
  writeFileSync(program, readFileSync(program, 'latin1').replace(/build=\w+\n$/, `build=${'0'.repeat(64)}\n`), 'latin1')
  expect(await cachesTaken(directory.path)).toEqual({})
})

test('the embedded daemon starts with the cache of its build', async () => {
  using directory = temporaryDirectory()
  const said = join(directory.path, 'said')
  const preload = join(directory.path, 'preload.cjs')
  writeFileSync(preload, telling(said))
  const options = JSON.stringify({ socket: join(directory.path, 'd.sock'), logLevel: 'silent' })
  const child = spawn(process.execPath, ['--require', preload, EMBEDDED, options], { stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  expect(JSON.parse(line.toString())).toEqual({ socket: join(directory.path, 'd.sock') })
  child.stdin.end()
  expect(await exited).toEqual([0, null])
  expect(readSaid(said)).toEqual({ [EMBEDDED.replace(/\.cjs$/, '-program.cjs')]: true })
})
