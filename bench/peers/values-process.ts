import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import type { Contender, Session } from '../contender.ts'
import { countOf, sampleValue } from '../sample-values.ts'
import { messagesOf, sent } from './value-frames.ts'

/** What a MessagePort would be between processes: V8's structured clone over a Unix socket, both ways, and nothing besides. */
export async function open(settings: Contender['settings']): Promise<Session> {
  const value = sampleValue(settings)
  const directory = mkdtempSync(join(tmpdir(), 'glovebox-bench-'))
  const path = join(directory, 'values.sock')
  const server = fork(new URL('./values-process-server.ts', import.meta.url), [path])
  await once(server, 'message')
  const socket = connect(path)
  await once(socket, 'connect')
  const waiting: ((back: unknown) => void)[] = []
  messagesOf(socket, (bytes) => waiting.shift()?.(deserialize(bytes)))
  let count = 0
  return {
    async add() {
      value.count = count++
      const back = new Promise<unknown>((resolve) => waiting.push(resolve))
      sent(socket, serialize(value))
      return countOf(await back, value)
    },
    async [Symbol.asyncDispose]() {
      socket.destroy()
      server.disconnect()
      await once(server, 'exit')
      rmSync(directory, { recursive: true })
    },
  }
}
