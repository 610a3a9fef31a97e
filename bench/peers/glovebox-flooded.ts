import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { Session } from '../contender.ts'
import { COUNTER_SOURCE } from '../work.ts'
import { embedded } from './embedded.ts'
import type { FloodCommand } from './flood-client.ts'

/** The counter, while another client of the same tenant floods its compiler. */
export async function open(): Promise<Session> {
  const box = await embedded()
  const { daemon } = await box.status()
  const context = await box.createContext({ x: 0 })
  // Another program has another session, which the scheduler may go by.
  const client = fork(new URL('./flood-client.ts', import.meta.url), [daemon.socket], { detached: true })
  const tell = async (command: FloodCommand): Promise<void> => {
    const answered = once(client, 'message')
    client.send(command)
    await answered
  }
  return {
    begin: () => tell('flood'),
    end: () => tell('stop'),
    add: () => context.run(COUNTER_SOURCE),
    async [Symbol.asyncDispose]() {
      client.disconnect()
      await once(client, 'exit')
      await box.dispose()
    },
  }
}
