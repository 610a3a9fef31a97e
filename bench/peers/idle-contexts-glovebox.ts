import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '../../dist/client/index.js'
import type { Session } from '../contender.ts'
import { residentBytes } from '../resident.ts'
import { COUNTER_SOURCE, IDLE_CONTEXTS, IDLE_MS } from '../work.ts'
import { ownDaemon } from './own-daemon.ts'

/** Contexts that all stay, in one worker, whose heap is large enough for that. Each has run something. */
export async function open(): Promise<Session> {
  const daemon = await ownDaemon({ memory: '4G', maxContexts: IDLE_CONTEXTS + 1, maxPerTenant: 1 })
  const box = await connect({ socket: daemon.socket })
  const first = await box.createContext({ x: 0 })
  await first.run(COUNTER_SOURCE)
  const worker = async (): Promise<number> => {
    const { workers } = await box.status()
    const [found, ...others] = workers.filter(({ tenant }) => tenant !== undefined)
    if (found?.pid === undefined || others.length > 0) throw new Error(`they are in ${others.length + 1} workers`)
    return found.pid
  }
  const pid = await worker()
  const before = residentBytes(pid, 'anonymous')
  const contexts: (typeof first)[] = []
  return {
    async add() {
      const context = await box.createContext({ x: 0 })
      contexts.push(context)
      return contexts.length - 1 + Number(await context.run(COUNTER_SOURCE))
    },
    async kilobytes() {
      const counters = await Promise.all(contexts.map(async (context) => context.run('x')))
      if (!counters.every((counter) => counter === 1)) throw new Error('a context has lost its state')
      await sleep(IDLE_MS)
      if ((await worker()) !== pid) throw new Error('their worker is another now')
      return (residentBytes(pid, 'anonymous') - before) / contexts.length / 1_000
    },
    async [Symbol.asyncDispose]() {
      await box.dispose()
      await daemon[Symbol.asyncDispose]()
    },
  }
}
