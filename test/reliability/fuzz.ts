import { randomInt } from 'node:crypto'
import { CONTROL_HELLO, RawClient, rawFrame, RawPeer } from '../support/raw-peer.ts'
import { clientToCompiler } from '../../src/protocol/compiler-link.ts'
import { clientToWorker } from '../../src/protocol/channel-link.ts'
import type { LeasePurpose } from '../../src/protocol/control-link.ts'
import { MalformedMessageError } from '../../src/protocol/link.ts'
import { testDaemon } from '../support/daemons.ts'
import { bodyOf, DIRECTIONS } from '../support/link-samples.ts'
import { mutated } from '../support/mutated.ts'
import { type Figures, Tally } from './figures.ts'
import { residentBytes, type Served, serve } from './served.ts'

/** Frames of one connection. The first ends it; what the rest does to who has closed it is part of the test. */
const BATCH = 20
/** Frames that the fixture sends for one run. */
const BABBLED = 500
const AT_ONCE = 4
const MIB = 2 ** 20

/** Malformed frames on each link, so many on each: who reads them closes the link, and serves everybody else. */
export async function fuzz(frames: number): Promise<Figures> {
  return { ...(await fromClients(frames)), ...(await fromWorkers(frames)) }
}

/** To the daemon, to a worker and to a compiler, from clients that break the protocol. The daemon has a process of its own. */
async function fromClients(frames: number): Promise<Figures> {
  await using daemon = await serve({ spare: 1, max: 2, maxTimeout: 200, timeout: 200 })
  await using box = await daemon.connect()
  await box.run('1')
  const before = residentBytes(daemon.pid)
  let peak = before
  const figures: Record<string, number> = {}
  const links: readonly (readonly [name: string, purpose: LeasePurpose | undefined])[] = [
    ['client to daemon', undefined],
    ['client to worker', 'run'],
    ['client to compiler', 'compile'],
  ]
  for (const [name, purpose] of links) {
    const next = malformedFrames(name)
    let sent = 0
    let closed = 0
    const startedMs = performance.now()
    const pelt = async (): Promise<void> => {
      await using control = new RawClient(daemon.socket)
      await control.answerTo(CONTROL_HELLO, 'welcome')
      while (sent < frames) {
        sent += BATCH
        await using peer = await greeted(daemon, control, purpose)
        peer.write(...Array.from({ length: BATCH }, next))
        await peer.closed
        closed++
        if (closed % 100 === 0) peak = Math.max(peak, residentBytes(daemon.pid))
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, pelt))
    if ((await box.run('6 * 7')) !== 42) throw new Error(`after ${name}: the daemon does not serve any more`)
    figures[`${name}: malformed frames`] = sent
    figures[`${name}: links closed for one`] = closed
    figures[`${name}: links a second`] = (1_000 * closed) / (performance.now() - startedMs)
  }
  peak = Math.max(peak, residentBytes(daemon.pid))
  return { ...figures, "daemon's memory before, MiB": before / MIB, "daemon's memory at its peak, MiB": peak / MIB }
}

/** A peer that has said hello where it should. */
async function greeted(daemon: Served, control: RawClient, purpose: LeasePurpose | undefined): Promise<RawPeer> {
  if (purpose === undefined) {
    const peer = new RawClient(daemon.socket)
    await peer.answerTo(CONTROL_HELLO, 'welcome')
    return peer
  }
  const { path, ticket } = await control.answerTo({ type: 'lease', request: 1, purpose, known: [], waitMs: 10_000 }, 'leased')
  const peer = new RawPeer(path as string)
  const link = purpose === 'compile' ? clientToCompiler : clientToWorker
  peer.write(link.encode({ type: 'hello', minVersion: 1, maxVersion: 1, ticket }))
  await peer.frame(0)
  return peer
}

/** Frames of this direction, changed until they are none. */
function malformedFrames(name: string): () => Uint8Array {
  const direction = DIRECTIONS.find((each) => each.name === name)
  if (direction === undefined) throw new Error(`no direction ${name}`)
  const { link, messages } = direction
  const bodies = messages.map((message) => bodyOf(link, message)).filter(({ length }) => length < 2_000)
  return () => {
    for (;;) {
      const changes = Array.from({ length: 1 + randomInt(6) }, () => [randomInt(4), randomInt(2_000), randomInt(256)] as const)
      const body = mutated(bodies[randomInt(bodies.length)] as Uint8Array, changes)
      try {
        if (body.length > 0) link.decode(body, 0, body.length)
      } catch (error) {
        if (!(error instanceof MalformedMessageError)) throw error
        return rawFrame(body.length, body)
      }
    }
  }
}

/** From workers that a guest has taken over, to the daemon and to the client: both are in this process. */
async function fromWorkers(frames: number): Promise<Figures> {
  await using daemon = await testDaemon({ spare: 1, max: 4 }, 'babbles-frames')
  await using box = await daemon.connect()
  const before = process.memoryUsage.rss()
  let peak = before
  const outcomes = new Tally()
  const runs = Math.max(1, Math.ceil(frames / BABBLED))
  for (const to of ['to the daemon', 'to the client']) {
    for (let i = 0; i < runs; i++) {
      const error: unknown = await box.run(`'${to}'`, { timeout: 5_000 }).catch((e: unknown) => e)
      outcomes.add(`${to}: runs that ended with ${error instanceof Error ? error.constructor.name : String(error)}`)
      peak = Math.max(peak, process.memoryUsage.rss())
    }
  }
  return {
    'worker to daemon, and to client: malformed frames each': runs * BABBLED,
    ...outcomes.toFigures('worker '),
    "daemon's and client's memory before, MiB": before / MIB,
    "daemon's and client's memory at its peak, MiB": peak / MIB,
  }
}
