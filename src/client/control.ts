import type { Socket } from 'node:net'
import { errorMessage } from '../base/error.ts'
import { clientToDaemon, type ClientToDaemon, type DaemonToClient, daemonToClient, type LeasePurpose } from '../protocol/control-link.ts'
import { FrameSplitter } from '../protocol/framing.ts'
import { HELLO_TIMEOUT_MS, MAX_CONTROL_FRAME_BYTES } from '../protocol/limits.ts'
import type { Naming } from './named-options.ts'
import type { WorkerWish } from '../protocol/placement.ts'
import type { Report } from '../protocol/report.ts'
import type { Warning } from '../protocol/tenant-messages.ts'
import { MAX_PROTOCOL_VERSION, MIN_PROTOCOL_VERSION } from '../protocol/versions.ts'
import { Calls } from './calls.ts'
import { ConnectionError, errorForCode, type GloveboxError, ProtocolError } from './errors.ts'

type Answer = Exclude<DaemonToClient, { readonly type: 'welcome' | 'refused' | 'lost' | 'scriptRefused' | 'warning' | 'draining' }>
export type Lease = Extract<DaemonToClient, { readonly type: 'leased' }>
export type NamedLease = Extract<DaemonToClient, { readonly type: 'leasedNamed' }>
export type Welcome = Extract<DaemonToClient, { readonly type: 'welcome' }>

interface ControlEvents {
  readonly lost: (worker: number, report: Report) => void
  /** A worker takes no more. */
  readonly draining: (worker: number) => void
  /** Something comes near a limit. */
  readonly warned: (warning: Warning) => void
  /** A script of the tenant is not to be sent for so many milliseconds. */
  readonly scriptRefused: (hash: Uint8Array, forMs: number) => void
  /** The daemon is gone; called once. */
  readonly closed: (cause: GloveboxError) => void
}

/** The control connection: leases, interrupts, status. */
export class Control {
  readonly #socket: Socket
  readonly #events: ControlEvents
  /** What is remembered is when they were made. */
  readonly #calls = new Calls<Answer, number>()
  readonly #welcome = Promise.withResolvers<Welcome>()
  #cause: GloveboxError | undefined

  private constructor(socket: Socket, events: ControlEvents) {
    this.#socket = socket
    this.#events = events
    const splitter = new FrameSplitter(MAX_CONTROL_FRAME_BYTES, (bytes, start, end) =>
      this.#heard(daemonToClient.decode(bytes, start, end)),
    )
    socket.on('data', (chunk: Buffer) => {
      try {
        splitter.push(chunk)
      } catch (error) {
        this.#end(new ProtocolError('ERR_PROTOCOL', `the daemon broke the protocol: ${errorMessage(error)}`, undefined, { cause: error }))
      }
    })
    socket.on('error', (error) =>
      this.#end(new ConnectionError('ERR_CONNECTION', `the connection to the daemon failed: ${error.message}`, { cause: error })),
    )
    socket.on('close', () => this.#end(new ConnectionError('ERR_CONNECTION', 'the daemon closed the connection: it stopped or was killed')))
  }

  /** Says hello over a connected socket. */
  static async open(
    socket: Socket,
    who: { readonly tenant: string | undefined; readonly token: string | undefined },
    events: ControlEvents,
  ): Promise<[Control, Welcome]> {
    const control = new Control(socket, events)
    const timer = setTimeout(() => {
      control.#end(
        new ConnectionError(
          'ERR_CONNECTION',
          `the daemon did not answer within ${HELLO_TIMEOUT_MS} ms; is another program listening there?`,
        ),
      )
    }, HELLO_TIMEOUT_MS)
    control.#send({
      type: 'hello',
      minVersion: MIN_PROTOCOL_VERSION,
      maxVersion: MAX_PROTOCOL_VERSION,
      tenant: who.tenant,
      token: who.token,
    })
    try {
      const welcome = await control.#welcome.promise
      socket.unref()
      return [control, welcome]
    } finally {
      clearTimeout(timer)
    }
  }

  /** `wish` is what it wants that not every worker is, if it wants such. */
  async lease(purpose: LeasePurpose, known: readonly number[], waitMs: number, wish?: WorkerWish): Promise<Lease> {
    const answer = await this.#call((request) => {
      if (wish !== undefined) this.#send({ type: 'placement', request, ...wish })
      return { type: 'lease', request, purpose, known, waitMs }
    })
    if (answer.type === 'leased') return answer
    throw unexpected(answer)
  }

  async leaseNamed({ name, mode, idleMs }: Naming, known: readonly number[], waitMs: number): Promise<NamedLease> {
    const answer = await this.#call((request) => ({ type: 'leaseNamed', request, name, mode, idleMs, known, waitMs }))
    if (answer.type === 'leasedNamed') return answer
    throw unexpected(answer)
  }

  /** For how long a worker may answer nobody because it computes, in milliseconds. */
  async busyForMs(worker: number): Promise<number> {
    const answer = await this.#call((request) => ({ type: 'askBusy', request, worker }))
    if (answer.type === 'busy') return answer.forMs
    throw unexpected(answer)
  }

  async status(): Promise<string> {
    const answer = await this.#call((request) => ({ type: 'status', request }))
    if (answer.type === 'status') return answer.json
    throw unexpected(answer)
  }

  /** Has the daemon drain and stop. */
  async stop(): Promise<void> {
    await this.#call((request) => ({ type: 'stop', request }))
  }

  interrupt(worker: number, channel: number, run: number): void {
    this.#send({ type: 'interrupt', worker, channel, run })
  }

  /** A worker died at work on this run. */
  crashed(channel: number, run: number, hash: Uint8Array): void {
    this.#send({ type: 'crashed', channel, run, hash })
  }

  distrust(worker: number, reason: string): void {
    this.#send({ type: 'distrust', worker, reason })
  }

  close(): void {
    this.#end(new ConnectionError('ERR_DISPOSED', 'this box was disposed'))
  }

  async #call(message: (request: number) => ClientToDaemon): Promise<Answer> {
    if (this.#cause !== undefined) throw this.#cause
    const request = this.#calls.next()
    const answer = this.#calls.wait(request, performance.now())
    this.#socket.ref()
    this.#send(message(request))
    try {
      return await answer
    } finally {
      if (this.#calls.size === 0) this.#socket.unref()
    }
  }

  #send(message: ClientToDaemon): void {
    if (this.#cause === undefined) this.#socket.write(clientToDaemon.encode(message))
  }

  #heard(message: DaemonToClient): void {
    switch (message.type) {
      case 'welcome':
        this.#welcome.resolve(message)
        return
      case 'refused':
        this.#end(errorForCode(message.code, message.message))
        return
      case 'lost':
        this.#events.lost(message.worker, message.report)
        return
      case 'draining':
        this.#events.draining(message.worker)
        return
      case 'warning':
        this.#events.warned(message)
        return
      case 'scriptRefused':
        this.#events.scriptRefused(message.hash, message.forMs)
        return
      case 'denied':
        this.#calls.reject(
          message.request,
          errorForCode(
            message.code,
            message.message,
            deniedReport(message, performance.now() - (this.#calls.about(message.request) ?? 0)),
            {
              retryAfter: message.retryAfterMs,
              position: message.position,
              blockedBy: message.blockedBy,
            },
          ),
        )
        return
      default:
        this.#calls.resolve(message.request, message)
    }
  }

  /** The first cause wins. */
  #end(cause: GloveboxError): void {
    if (this.#cause !== undefined) return
    this.#cause = cause
    this.#socket.destroy()
    this.#welcome.promise.catch(() => undefined)
    this.#welcome.reject(cause)
    this.#calls.rejectAll(cause)
    this.#events.closed(cause)
  }
}

function unexpected(answer: Answer): Error {
  return new ProtocolError('ERR_PROTOCOL', `the daemon answered with '${answer.type}', which was not asked for`)
}

/** What is known of a run for which there is no worker: no more than how long it waited, and what for. */
function deniedReport({ code, message, blockedBy }: Extract<DaemonToClient, { readonly type: 'denied' }>, wallMs: number): Report {
  const isBoot = code === 'ERR_WORKER_BOOT' || blockedBy === 'boot'
  return {
    phase: isBoot ? 'boot' : 'queued',
    limit: isBoot ? undefined : blockedBy,
    worker: 0,
    cpuMs: 0,
    wallMs,
    peakRssBytes: 0,
    reason: message,
  }
}
