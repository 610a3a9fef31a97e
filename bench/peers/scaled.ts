import { availableParallelism } from 'node:os'
import { connect } from '../../dist/client/index.js'
import type { Contender, Session } from '../contender.ts'
import { COUNTER_SOURCE } from '../work.ts'
import { ownDaemon } from './own-daemon.ts'

/** What a point of a scale curve has. */
export interface Scale {
  /** Connections, which share the contexts evenly. */
  readonly clients?: number
  readonly contexts?: number
  /** Bytes that go into a guest's function and come out again, instead of a run of the counter. */
  readonly payload?: number
  /** Workers, with a context in each. */
  readonly workers?: number
}

/** Contexts that are made at once: more only wait for each other. */
const AT_ONCE = 16
/** For the largest payload, and something around it. */
const MAX_OUTPUT = 96 * 1_024 * 1_024

/** One daemon, whose contexts are used in turn. */
export async function open(settings: Contender['settings']): Promise<Session> {
  const { clients = 1, payload, workers = 1, contexts = Math.max(clients, workers) } = (settings ?? {}) as Scale
  const roomy = { memory: '4G', maxContexts: contexts + 1, maxOutput: MAX_OUTPUT, maxQueue: 10_000 }
  const daemon = await ownDaemon({ ...roomy, max: Math.max(workers + 1, availableParallelism()), maxPerTenant: workers })
  const boxes = await Promise.all(Array.from({ length: clients }, () => connect({ socket: daemon.socket })))
  const made: Awaited<ReturnType<(typeof boxes)[number]['createContext']>>[] = []
  while (made.length < contexts) {
    const next =
      boxes.length === 1 ? Array(Math.min(AT_ONCE, contexts - made.length)).fill(boxes[0]) : boxes.slice(made.length, made.length + AT_ONCE)
    made.push(...(await Promise.all((next as typeof boxes).map((box) => box.createContext({ x: 0 }, { dedicated: workers > 1 })))))
  }
  const bytes = payload === undefined ? undefined : new Uint8Array(payload)
  await made[0]?.run('globalThis.back = (bytes) => bytes; 0')
  let turn = 0
  let count = 0
  return {
    async add() {
      const context = made[turn++ % made.length]
      if (context === undefined) throw new Error('there are no contexts')
      if (bytes === undefined) {
        if (typeof (await context.run(COUNTER_SOURCE)) !== 'number') throw new Error('a context has lost its state')
      } else {
        const back = (await context.call('back', bytes)) as Uint8Array
        if (back.length !== payload) throw new Error('the payload did not come back whole')
      }
      return ++count
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(boxes.map((box) => box.dispose()))
      await daemon[Symbol.asyncDispose]()
    },
  }
}
