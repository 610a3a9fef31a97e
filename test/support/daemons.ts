import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Box, connect, type ConnectOptions } from 'glovebox'
import type { DaemonOptions } from 'glovebox/daemon'
import { startDaemonWithWorker } from '../../dist/daemon/start-daemon.js'
import { eventually } from './eventually.ts'
import { fixture } from './fixture.ts'

/** A directory of its own, gone at the end. */
export function temporaryDirectory(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'glovebox-test-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

export interface TestDaemon extends AsyncDisposable {
  readonly socket: string
  readonly directory: string
  connect(options?: ConnectOptions): Promise<Box>
}

/** A real daemon in this process, in a directory of its own, with a misbehaving worker (one of fixtures/workers) in the place of its own if given. */
export async function testDaemon(options: DaemonOptions = {}, worker?: string): Promise<TestDaemon> {
  // Gone, too, if the daemon does not start.
  using starting = new DisposableStack()
  const directory = starting.use(temporaryDirectory())
  const socket = join(directory.path, 'd.sock')
  const file = worker === undefined ? undefined : bundled(worker, directory.path)
  const daemon = await startDaemonWithWorker({ socket, logLevel: 'silent', ...options }, file)
  const kept = starting.move()
  return {
    socket,
    directory: directory.path,
    connect: (more) => connect({ socket, ...more }),
    async [Symbol.asyncDispose]() {
      await daemon[Symbol.asyncDispose]()
      kept.dispose()
    },
  }
}

/** A misbehaving worker as one file: a worker may read no other. */
function bundled(name: string, directory: string): string {
  const wire = readFileSync(fixture('workers/wire.cjs'), 'utf8')
  const source = readFileSync(fixture(`workers/${name}.cjs`), 'utf8')
  const file = join(directory, `${name}.cjs`)
  writeFileSync(file, source.replace("require('./wire.cjs')", `((module) => {\n${wire}\nreturn module.exports })({})`))
  return file
}

/** The process that serves this connection's next one-shot run. */
export async function boundWorker(box: Box): Promise<number> {
  return eventually('a bound worker', async () => (await box.status()).workers.find(({ state }) => state === 'bound')?.pid)
}
