import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type NetConnectOpts, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A process of a contender's own that listens on a Unix socket, and this one's connection to it. */
export interface OtherProcess extends AsyncDisposable {
  readonly socket: Socket
}

/** Starts `program`, a file beside this one, with the path to listen on as its first argument. It says when it listens, and ends when nobody could hear it. */
export async function otherProcess(
  program: string,
  args: readonly string[] = [],
  options: Partial<Pick<NetConnectOpts, 'onread'>> = {},
): Promise<OtherProcess> {
  const directory = mkdtempSync(join(tmpdir(), 'glovebox-bench-'))
  const path = join(directory, 'other.sock')
  const server = fork(new URL(`./${program}`, import.meta.url), [path, ...args])
  await once(server, 'message')
  const socket = connect({ path, ...options })
  await once(socket, 'connect')
  return {
    socket,
    async [Symbol.asyncDispose]() {
      socket.destroy()
      server.disconnect()
      await once(server, 'exit')
      rmSync(directory, { recursive: true })
    },
  }
}
