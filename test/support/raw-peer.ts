import { connect, type Socket } from 'node:net'
import { FrameSplitter } from '../../src/protocol/framing.ts'
import { type ClientToDaemon, clientToDaemon, type DaemonToClient, daemonToClient } from '../../src/protocol/control-link.ts'
import { eventually } from './eventually.ts'

/** A peer that writes what it likes, and keeps the frames that come back. */
export class RawPeer implements AsyncDisposable {
  readonly frames: Uint8Array[] = []
  readonly closed: Promise<void>
  readonly #socket: Socket
  isClosed = false

  constructor(path: string) {
    this.#socket = connect(path)
    const splitter = new FrameSplitter(1 << 28, (bytes, start, end) => {
      this.frames.push(bytes.slice(start, end))
    })
    this.#socket.on('data', (chunk: Buffer) => splitter.push(chunk))
    this.#socket.on('error', () => undefined)
    this.closed = new Promise((resolve) => {
      this.#socket.on('close', () => {
        this.isClosed = true
        resolve()
      })
    })
  }

  write(...parts: readonly Uint8Array[]): void {
    this.#socket.write(Buffer.concat(parts))
  }

  /** Stops reading. */
  pause(): void {
    this.#socket.pause()
  }

  end(): void {
    this.#socket.end()
  }

  /** The frame with this index, once it is there. */
  async frame(index: number): Promise<Uint8Array> {
    return eventually(`frame ${index}`, () => this.frames[index])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy()
    await this.closed
  }
}

/** A client of a daemon's, by hand. */
export class RawClient extends RawPeer {
  tell(...messages: readonly ClientToDaemon[]): void {
    this.write(...messages.map((message) => clientToDaemon.encode(message)))
  }

  async answer(index: number): Promise<DaemonToClient> {
    const bytes = await this.frame(index)
    return daemonToClient.decode(bytes, 0, bytes.length)
  }

  async answerTo<Type extends DaemonToClient['type']>(
    message: ClientToDaemon,
    type: Type,
  ): Promise<Extract<DaemonToClient, { type: Type }>> {
    const index = this.frames.length
    this.tell(message)
    const answer = await this.answer(index)
    if (answer.type !== type) throw new Error(`'${answer.type}' where '${type}' was expected: ${JSON.stringify(answer)}`)
    return answer as Extract<DaemonToClient, { type: Type }>
  }
}

export const CONTROL_HELLO: ClientToDaemon = { type: 'hello', minVersion: 1, maxVersion: 1, tenant: undefined, token: undefined }

/** A header that announces `length` bytes, and what follows it. */
export function rawFrame(length: number, body: readonly number[] | Uint8Array = []): Uint8Array {
  const frame = Buffer.alloc(4 + body.length)
  frame.writeUInt32BE(length)
  frame.set(body, 4)
  return frame
}
