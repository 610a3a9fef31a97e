import { type ClientToWorker, clientToWorker, type WorkerToClient, workerToClient } from '../../src/protocol/channel-link.ts'
import { closeFrame } from '../../src/protocol/link.ts'
import { MsgpackReader } from '../../src/protocol/msgpack/reader.ts'
import { MsgpackWriter } from '../../src/protocol/msgpack/writer.ts'
import { ValueDecoder } from '../../src/protocol/values/value-decoder.ts'
import { writeValue } from '../../src/protocol/values/value-encoder.ts'
import { eventually } from './eventually.ts'
import { CONTROL_HELLO, RawClient, RawPeer } from './raw-peer.ts'

/** What a worker said, with its payload if it has one. */
export type Said = WorkerToClient & { readonly value?: unknown }

/** A client of a worker's, by hand: says what it likes, when it likes. Functions in its values get the ids 1, 2, 3 in the order in which they are written. */
export class RawWorkerClient implements AsyncDisposable {
  readonly #control: RawClient
  readonly #peer: RawPeer
  #functions = 0

  private constructor(control: RawClient, peer: RawPeer) {
    this.#control = control
    this.#peer = peer
  }

  static async connect(socket: string): Promise<RawWorkerClient> {
    const control = new RawClient(socket)
    await control.answerTo(CONTROL_HELLO, 'welcome')
    const { path, ticket } = await control.answerTo({ type: 'lease', request: 1, purpose: 'run', known: [], waitMs: 1_000 }, 'leased')
    const peer = new RawPeer(path as string)
    peer.write(clientToWorker.encode({ type: 'hello', minVersion: 1, maxVersion: 1, ticket }))
    const client = new RawWorkerClient(control, peer)
    await client.heard('welcome')
    return client
  }

  get isClosed(): boolean {
    return this.#peer.isClosed
  }

  get closed(): Promise<void> {
    return this.#peer.closed
  }

  /** A whole frame. */
  frame(message: ClientToWorker, ...payload: readonly unknown[]): Uint8Array {
    const out = new MsgpackWriter()
    const start = clientToWorker.open(out, message)
    const functionOut = (_fn: object, isAsync: boolean) => ({ id: ++this.#functions, isAsync, returns: false, name: 'host' })
    if (payload.length > 0) writeValue(out, payload[0], { functionOut })
    closeFrame(out, start)
    return out.view()
  }

  send(message: ClientToWorker, ...payload: readonly unknown[]): void {
    this.write(this.frame(message, ...payload))
  }

  write(...bytes: readonly Uint8Array[]): void {
    this.#peer.write(...bytes)
  }

  pause(): void {
    this.#peer.pause()
  }

  /** Everything that the worker said so far. */
  get all(): readonly Said[] {
    return this.#peer.frames.map(decode)
  }

  /** The first message of this type for which `matches`, once it is there. */
  async heard<Type extends Said['type']>(
    type: Type,
    matches: (said: Extract<Said, { type: Type }>) => boolean = () => true,
  ): Promise<Extract<Said, { type: Type }>> {
    let at = 0
    let found: Extract<Said, { type: Type }> | undefined
    await eventually(`'${type}' from the worker`, () => {
      for (; at < this.#peer.frames.length && found === undefined; at++) {
        const said = decode(this.#peer.frames[at] as Uint8Array) as Extract<Said, { type: Type }>
        if (said.type === type && matches(said)) found = said
      }
      return found !== undefined
    })
    return found as Extract<Said, { type: Type }>
  }

  /** How a run ended: its value, or what failed. */
  async outcome(run: number): Promise<Said> {
    let found: Said | undefined
    await eventually(`the outcome of run ${run}`, () => {
      found = this.all.find(
        (said) => (said.type === 'done' || said.type === 'threw' || said.type === 'failed' || said.type === 'limited') && said.run === run,
      )
      return found !== undefined
    })
    return found as Said
  }

  /** Breaks the connection to the worker. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#peer[Symbol.asyncDispose]()
    await this.#control[Symbol.asyncDispose]()
  }
}

const decoder = new ValueDecoder({
  functionIn:
    ({ id }) =>
    () =>
      id,
})

function decode(bytes: Uint8Array): Said {
  const reader = new MsgpackReader(bytes, 0, bytes.length)
  const message = workerToClient.read(reader)
  return reader.position < reader.end ? { ...message, value: decoder.read(reader) } : message
}
