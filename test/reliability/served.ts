import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type Box, connect, type ConnectOptions } from 'glovebox'
import type { DaemonOptions } from 'glovebox/daemon'
import { temporaryDirectory } from '../support/daemons.ts'
import { fixture } from '../support/fixture.ts'

/** A daemon in a process of its own, so that its memory is its own. */
export interface Served extends AsyncDisposable {
  readonly pid: number
  readonly socket: string
  connect(options?: ConnectOptions): Promise<Box>
}

export async function serve(options: DaemonOptions): Promise<Served> {
  const directory = temporaryDirectory()
  const socket = join(directory.path, 'd.sock')
  const child = spawn(process.execPath, [fixture('serve.mjs'), JSON.stringify({ socket, logLevel: 'silent', ...options })], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'close')
  await once(createInterface(child.stdout), 'line')
  return {
    pid: child.pid as number,
    socket,
    connect: (more) => connect({ socket, ...more }),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await ended
      directory[Symbol.dispose]()
    },
  }
}

/** Resident memory of a process, in bytes: proc(5). */
export function residentBytes(pid: number): number {
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))
  return Number(found?.[1] ?? 0) * 1024
}
