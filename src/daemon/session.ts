import type { Socket } from 'node:net'
import { errorCode, errorMessage } from '../base/error.ts'
import { type ClientToDaemon, clientToDaemon, type DaemonToClient, daemonToClient } from '../protocol/control-link.ts'
import { FrameSplitter, FramingError } from '../protocol/framing.ts'
import { HELLO_TIMEOUT_MS, MAX_CONTROL_FRAME_BYTES, MAX_HELLO_FRAME_BYTES } from '../protocol/limits.ts'
import { MalformedMessageError } from '../protocol/link.ts'
import { chooseVersion, MAX_PROTOCOL_VERSION, MIN_PROTOCOL_VERSION } from '../protocol/versions.ts'
import type { Report } from '../protocol/report.ts'

/** What a session asks of the daemon. */
export interface SessionOwner {
  readonly daemonVersion: string
  readonly timeoutMs: number
  readonly maxTimeoutMs: number
  lease(session: Session, request: Extract<ClientToDaemon, { type: 'lease' }>): Promise<DaemonToClient>
  interrupt(session: Session, request: Extract<ClientToDaemon, { type: 'interrupt' }>): void
  distrust(session: Session, request: Extract<ClientToDaemon, { type: 'distrust' }>): void
  status(session: Session): string
  /** Drains and stops, in its own time. */
  stop(): unknown
  closed(session: Session): void
}

/** Answers that may wait for a client which does not read, in bytes. It is dropped beyond. */
const MAX_UNSENT_BYTES = 1024 * 1024
/** Leases that one client may wait for at a time. */
const MAX_OPEN_LEASES = 1_000
const DEFAULT_TENANT = 'default'

/** One control connection. Untrusted: what breaks the protocol closes it. */
export class Session {
  tenant = DEFAULT_TENANT
  /** Channels that this client was given: worker by channel number. */
  readonly channels = new Map<number, number>()
  readonly #socket: Socket
  readonly #owner: SessionOwner
  readonly #helloTimer: NodeJS.Timeout
  readonly #splitter: FrameSplitter
  #greeted = false
  #openLeases = 0

  constructor(socket: Socket, owner: SessionOwner) {
    this.#socket = socket
    this.#owner = owner
    this.#splitter = new FrameSplitter(MAX_HELLO_FRAME_BYTES, (bytes, start, end) => {
      if (!socket.destroyed && socket.writable) this.#serve(clientToDaemon.decode(bytes, start, end))
    })
    this.#helloTimer = setTimeout(() => this.#refuse('ERR_PROTOCOL', `no hello within ${HELLO_TIMEOUT_MS} ms`), HELLO_TIMEOUT_MS)
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      clearTimeout(this.#helloTimer)
      owner.closed(this)
    })
  }

  lost(worker: number, report: Report): void {
    let concerned = false
    for (const [channel, each] of this.channels) {
      if (each !== worker) continue
      concerned = true
      this.channels.delete(channel)
    }
    if (concerned) this.#send({ type: 'lost', worker, report })
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #receive(chunk: Uint8Array): void {
    try {
      this.#splitter.push(chunk)
    } catch (error) {
      if (!(error instanceof FramingError) && !(error instanceof MalformedMessageError)) throw error
      this.#refuse('ERR_PROTOCOL', error.message)
    }
  }

  #serve(message: ClientToDaemon): void {
    if (message.type === 'hello') {
      this.#hello(message)
      return
    }
    if (!this.#greeted) throw new MalformedMessageError('a request before hello')
    switch (message.type) {
      case 'lease':
        void this.#lease(message)
        return
      case 'interrupt':
        this.#owner.interrupt(this, message)
        return
      case 'distrust':
        this.#owner.distrust(this, message)
        return
      case 'status':
        this.#send({ type: 'status', request: message.request, json: this.#owner.status(this) })
        return
      case 'stop':
        this.#send({ type: 'stopping', request: message.request })
        void this.#owner.stop()
        return
      default:
        message satisfies never
    }
  }

  #hello(message: Extract<ClientToDaemon, { type: 'hello' }>): void {
    if (this.#greeted) throw new MalformedMessageError('a second hello')
    const version = chooseVersion(message.minVersion, message.maxVersion)
    if (version === undefined) {
      this.#refuse(
        'ERR_VERSION',
        `this daemon speaks protocol ${MIN_PROTOCOL_VERSION} to ${MAX_PROTOCOL_VERSION}, the client ${message.minVersion} to ${message.maxVersion}; install matching versions`,
      )
      return
    }
    if (message.tenant !== undefined && message.tenant !== DEFAULT_TENANT) {
      this.#refuse('ERR_ACCESS_DENIED', `this daemon has no tenant '${message.tenant}'`)
      return
    }
    clearTimeout(this.#helloTimer)
    this.#greeted = true
    this.#splitter.maxFrameBytes = MAX_CONTROL_FRAME_BYTES
    const { daemonVersion, timeoutMs, maxTimeoutMs } = this.#owner
    this.#send({ type: 'welcome', version, daemonVersion, timeoutMs, maxTimeoutMs })
  }

  async #lease(message: Extract<ClientToDaemon, { type: 'lease' }>): Promise<void> {
    const { request } = message
    if (this.#openLeases >= MAX_OPEN_LEASES) {
      this.#send({
        type: 'denied',
        request,
        code: 'ERR_OVERLOADED',
        message: `${MAX_OPEN_LEASES} leases are open already`,
        retryAfterMs: undefined,
      })
      return
    }
    this.#openLeases++
    try {
      this.#send(await this.#owner.lease(this, message))
    } catch (error) {
      const retryAfterMs = (error as { readonly retryAfterMs?: number }).retryAfterMs
      this.#send({ type: 'denied', request, code: errorCode(error) ?? 'ERR_INTERNAL', message: errorMessage(error), retryAfterMs })
    } finally {
      this.#openLeases--
    }
  }

  #refuse(code: string, message: string): void {
    this.#send({ type: 'refused', code, message })
    this.#socket.destroySoon()
  }

  #send(message: DaemonToClient): void {
    if (!this.#socket.writable) return
    this.#socket.write(daemonToClient.encode(message))
    if (this.#socket.writableLength > MAX_UNSENT_BYTES) this.#socket.destroy()
  }
}
