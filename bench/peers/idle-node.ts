import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Session } from '../contender.ts'
import { residentBytes } from '../resident.ts'
import { IDLE_MS } from '../work.ts'

/** Node that waits and has nothing to do. */
export async function open(): Promise<Session> {
  let child: ChildProcess | undefined
  let count = 0
  const end = async (): Promise<void> => {
    if (child === undefined) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }
  return {
    async add() {
      await end()
      child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e9)'], { stdio: 'ignore', env: {} })
      await once(child, 'spawn')
      return ++count
    },
    async kilobytes() {
      await sleep(IDLE_MS)
      if (child?.pid === undefined) throw new Error('no process to look at')
      return residentBytes(child.pid, 'all') / 1_000
    },
    [Symbol.asyncDispose]: end,
  }
}
