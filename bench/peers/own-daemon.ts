import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { DaemonOptions } from '../../dist/daemon/index.js'

export interface OwnDaemon extends AsyncDisposable {
  readonly socket: string
}

const PROGRAM = fileURLToPath(import.meta.resolve('../../dist/daemon/embedded.cjs'))

/** A daemon of this build in a process of its own, with options that an embedded one does not have. */
export async function ownDaemon(options: DaemonOptions): Promise<OwnDaemon> {
  const directory = mkdtempSync(join(tmpdir(), 'glovebox-bench-'))
  const socket = join(directory, 'd.sock')
  const child = spawn(process.execPath, [PROGRAM, JSON.stringify({ ...options, socket, logLevel: 'error' })], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const daemon = {
    socket,
    async [Symbol.asyncDispose]() {
      child.stdin.end()
      await exited
      rmSync(directory, { recursive: true, force: true })
    },
  }
  const [line] = (await Promise.race([once(child.stdout, 'data'), exited])) as [unknown]
  const { message } =
    line instanceof Buffer ? (JSON.parse(line.toString()) as { readonly message?: string }) : { message: 'the daemon ended' }
  if (message === undefined) return daemon
  await daemon[Symbol.asyncDispose]()
  throw new Error(message)
}
