import { deserialize, serialize } from 'node:v8'
import type { Contender, Session } from '../contender.ts'
import { countOf, sampleValue } from '../sample-values.ts'
import { otherProcess } from './other-process.ts'
import { messagesOf, sent } from './value-frames.ts'

/** What a MessagePort would be between processes: V8's structured clone over a Unix socket, both ways, and nothing besides. */
export async function open(settings: Contender['settings']): Promise<Session> {
  const value = sampleValue(settings)
  const other = await otherProcess('values-process-server.ts')
  const { socket } = other
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
    [Symbol.asyncDispose]: () => other[Symbol.asyncDispose](),
  }
}
