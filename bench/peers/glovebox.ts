import { connect } from '../../dist/client/index.js'
import type { Session } from '../contender.ts'
import { COUNTER_SOURCE } from '../work.ts'

export async function open(): Promise<Session> {
  const box = await connect()
  const { daemon } = await box.status()
  if (daemon.uptimeMs > process.uptime() * 1_000) {
    await box.dispose()
    throw new Error(`a daemon of this machine answered at ${daemon.socket}: stop it, so that the one of this build is measured`)
  }
  const context = await box.createContext({ x: 0 })
  return {
    add: () => context.run(COUNTER_SOURCE),
    [Symbol.asyncDispose]: () => box.dispose(),
  }
}
