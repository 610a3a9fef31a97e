import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Session } from '../contender.ts'

/** The floor: Node starts, does nothing, and ends. */
export async function open(): Promise<Session> {
  let count = 0
  return {
    async add() {
      const [code] = (await once(spawn(process.execPath, ['-e', '0'], { stdio: 'ignore', env: {} }), 'exit')) as [number | null]
      if (code !== 0) throw new Error(`node -e 0 ended with ${code}`)
      return ++count
    },
    async [Symbol.asyncDispose]() {},
  }
}
