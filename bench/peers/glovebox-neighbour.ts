import { fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { connect } from '../../dist/client/index.js'
import type { Contender, Session } from '../contender.ts'
import { COUNTER_SOURCE } from '../work.ts'
import { ownDaemon } from './own-daemon.ts'
import type { SpinCommand } from './spinning-client.ts'

const TOKENS = { measured: 'the token of the tenant that is measured', other: 'the token of its neighbour' }
const tenant = (token: string) => ({ tokens: [`sha256:${createHash('sha256').update(token).digest('hex')}`] })
/** As many as there are cores: it could keep all of them busy. */
const WORKERS = availableParallelism()

/** The counter of one tenant. With `spin` in the settings, another tenant computes without an end in all its workers meanwhile. */
export async function open(settings: Contender['settings']): Promise<Session> {
  const other = { ...tenant(TOKENS.other), limits: { maxWorkers: WORKERS } }
  const policy = { tenants: { measured: tenant(TOKENS.measured), other } }
  const daemon = await ownDaemon({ policy, max: WORKERS + 2 })
  const { socket } = daemon
  const box = await connect({ socket, token: TOKENS.measured })
  const context = await box.createContext({ x: 0 })
  // Another program has another session, which the scheduler may go by.
  const client = fork(new URL('./spinning-client.ts', import.meta.url), [socket, TOKENS.other, String(WORKERS)], { detached: true })
  await once(client, 'message')
  const tell = async (command: SpinCommand): Promise<void> => {
    const answered = once(client, 'message')
    client.send(command)
    await answered
  }
  return {
    add: () => context.run(COUNTER_SOURCE),
    ...(settings?.['spin'] === true && { begin: () => tell('spin'), end: () => tell('stop') }),
    async [Symbol.asyncDispose]() {
      client.disconnect()
      await once(client, 'exit')
      await box.dispose()
      await daemon[Symbol.asyncDispose]()
    },
  }
}
