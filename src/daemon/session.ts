import type { Socket } from 'node:net'
import { errorCode, errorMessage } from '../base/error.ts'
import { type ClientToDaemon, clientToDaemon, type DaemonToClient, daemonToClient } from '../protocol/control-link.ts'
import { FrameSplitter, FramingError } from '../protocol/framing.ts'
import { HELLO_TIMEOUT_MS, MAX_CONTROL_FRAME_BYTES, MAX_HELLO_FRAME_BYTES } from '../protocol/limits.ts'
import type { Warning } from '../protocol/tenant-messages.ts'
import type { LeaseNamed } from '../protocol/named-messages.ts'
import type { PlacementMessage, WorkerWish } from '../protocol/placement.ts'
import { MalformedMessageError } from '../protocol/link.ts'
import { chooseVersion, MAX_PROTOCOL_VERSION, MIN_PROTOCOL_VERSION } from '../protocol/versions.ts'
import type { Credentials, Viewer, TenantLimits } from './tenants/tenants.ts'
import type { Recycling } from './memory-watch.ts'
import { OverloadedLeaseError } from './overloaded.ts'
import { isCrash, type Refusal } from './tenants/crash-counts.ts'
import { peerUser } from './tenants/peer-user.ts'
import type { DaemonStatus } from './status.ts'
import type { Report } from '../protocol/report.ts'

/** What a session asks of the daemon. */
export interface SessionOwner {
  readonly daemonVersion: string
  /** Who that is. Throws ERR_ACCESS_DENIED, or ERR_OVERLOADED if there are too many of it. */
  identify(session: Session, credentials: Credentials): Viewer
  limitsOf(tenant: string): TenantLimits
  lease(tenant: string, session: Session, request: Extract<ClientToDaemon, { type: 'lease' }>, wish: WorkerWish): Promise<DaemonToClient>
  leaseNamed(tenant: string, session: Session, request: LeaseNamed): Promise<DaemonToClient>
  interrupt(session: Session, request: Extract<ClientToDaemon, { type: 'interrupt' }>): void
  /** For how long a worker of this session's may answer nobody, in milliseconds. */
  busyForMs(session: Session, worker: number): number
  distrust(session: Session, request: Extract<ClientToDaemon, { type: 'distrust' }>): void
  /** A worker died of a script of this session's, by its own account. */
  crashed(session: Session, hash: Uint8Array): void
  /** Scripts that its clients must not send now. */
  refusedScripts(tenant: string): readonly Refusal[]
  status(session: Viewer): DaemonStatus
  /** Drains and stops, in its own time. */
  stop(): unknown
  closed(session: Session): void
}

/** Answers that may wait for a client which does not read, in bytes. It is dropped beyond. */
const MAX_UNSENT_BYTES = 1024 * 1024
/** Deaths of which the client has not said the script yet. Who does not say it at once never does. */
const MAX_UNEXPLAINED = 16
/** Leases that one client may wait for at a time. */
const MAX_OPEN_LEASES = 1_000

/** What a lease wants that says nothing. */
const USUAL: WorkerWish = { memoryBytes: undefined, jit: true, exclusive: false }

/** One control connection. Untrusted: what breaks the protocol closes it. */
export class Session {
  #who: Viewer = { tenant: undefined, isOperator: false }
  /** Channels that this client was given: worker by channel number. */
  readonly channels = new Map<number, number>()
  /** Runs that workers died of: channel and number. */
  readonly #unexplained: { readonly channel: number; readonly run: number }[] = []
  readonly #socket: Socket
  readonly #owner: SessionOwner
  readonly #helloTimer: NodeJS.Timeout
  readonly #splitter: FrameSplitter
  readonly #uid: number | undefined
  #greeted = false
  #openLeases = 0
  /** What the lease wants that comes next. */
  #placement: PlacementMessage | undefined

  constructor(socket: Socket, owner: SessionOwner) {
    this.#socket = socket
    this.#owner = owner
    this.#uid = peerUser(socket)
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

  get tenant(): string | undefined {
    return this.#who.tenant
  }

  get isOperator(): boolean {
    return this.#who.isOperator
  }

  /** Ends it, and tells the client why. */
  expel(message: string): void {
    this.#refuse('ERR_ACCESS_DENIED', message)
  }

  lost(worker: number, report: Report): void {
    let concerned = false
    for (const [channel, each] of this.channels) {
      if (each !== worker) continue
      concerned = true
      this.channels.delete(channel)
      if (channel === report.channel && report.run !== undefined && isCrash(report.cause))
        this.#unexplained.push({ channel, run: report.run })
    }
    if (this.#unexplained.length > MAX_UNEXPLAINED) this.#unexplained.shift()
    if (concerned) this.#send({ type: 'lost', worker, report })
  }

  /** A script of its tenant is not to be sent for a while. */
  refuseScript({ hash, forMs }: Refusal): void {
    this.#send({ type: 'scriptRefused', hash, forMs })
  }

  /** Something comes near a limit. */
  warn(warning: Omit<Warning, 'type'>): void {
    this.#send({ type: 'warning', ...warning })
  }

  /** A worker takes no more, and will be ended soon if there is a reason. Nothing is said to who has no channel to it. */
  draining(worker: number, why: Recycling | undefined): void {
    if (!this.channels.values().some((each) => each === worker)) return
    if (why !== undefined) {
      const { limit, configured, observed, reason } = why
      this.warn({
        limit,
        configured,
        observed,
        worker,
        message: `worker ${worker} will be ended soon, and its contexts with it: ${reason}`,
      })
    }
    this.#send({ type: 'draining', worker })
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
      case 'placement':
        this.#placement = message
        return
      case 'lease':
      case 'leaseNamed':
        void this.#lease(message, this.#takePlacement(message.request))
        return
      case 'interrupt':
        this.#owner.interrupt(this, message)
        return
      case 'askBusy':
        this.#send({ type: 'busy', request: message.request, forMs: this.#owner.busyForMs(this, message.worker) })
        return
      case 'distrust':
        this.#owner.distrust(this, message)
        return
      case 'crashed':
        this.#crashed(message)
        return
      case 'status':
        this.#send({ type: 'status', request: message.request, json: JSON.stringify(this.#owner.status(this)) })
        return
      case 'stop':
        if (!this.isOperator) {
          this.#deny(message.request, 'ERR_ACCESS_DENIED', "only the daemon's own user and root may stop it")
          return
        }
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
    try {
      this.#who = this.#owner.identify(this, { tenant: message.tenant, token: message.token, uid: this.#uid })
    } catch (error) {
      this.#refuse(errorCode(error) ?? 'ERR_INTERNAL', errorMessage(error))
      return
    }
    clearTimeout(this.#helloTimer)
    this.#greeted = true
    this.#splitter.maxFrameBytes = MAX_CONTROL_FRAME_BYTES
    const { timeoutMs, maxTimeoutMs, channel: limits, memoryBytes, trust } = this.#owner.limitsOf(this.tenant ?? '')
    const { daemonVersion } = this.#owner
    this.#send({ type: 'welcome', version, daemonVersion, timeoutMs, maxTimeoutMs, limits, memoryBytes, trust })
    if (this.tenant !== undefined) for (const refusal of this.#owner.refusedScripts(this.tenant)) this.refuseScript(refusal)
  }

  /** One word for each death. */
  #crashed({ channel, run, hash }: Extract<ClientToDaemon, { type: 'crashed' }>): void {
    const index = this.#unexplained.findIndex((each) => each.channel === channel && each.run === run)
    if (index < 0) return
    this.#unexplained.splice(index, 1)
    this.#owner.crashed(this, hash)
  }

  #takePlacement(request: number): WorkerWish {
    const placement = this.#placement
    this.#placement = undefined
    if (placement !== undefined && placement.request !== request) throw new MalformedMessageError('a placement of another lease')
    return placement ?? USUAL
  }

  async #lease(message: Extract<ClientToDaemon, { type: 'lease' | 'leaseNamed' }>, wish: WorkerWish): Promise<void> {
    const { request } = message
    if (this.#openLeases >= MAX_OPEN_LEASES) {
      this.#deny(request, 'ERR_OVERLOADED', `${MAX_OPEN_LEASES} leases are open already`)
      return
    }
    if (this.tenant === undefined) {
      this.#deny(request, 'ERR_ACCESS_DENIED', "this user is the daemon's operator, and no tenant of its policy: it runs nothing")
      return
    }
    this.#openLeases++
    try {
      const leased =
        message.type === 'lease' ? this.#owner.lease(this.tenant, this, message, wish) : this.#owner.leaseNamed(this.tenant, this, message)
      this.#send(await leased)
    } catch (error) {
      this.#deny(
        request,
        errorCode(error) ?? 'ERR_INTERNAL',
        errorMessage(error),
        error instanceof OverloadedLeaseError ? error : undefined,
      )
    } finally {
      this.#openLeases--
    }
  }

  #deny(request: number, code: string, message: string, overloaded?: OverloadedLeaseError): void {
    const { retryAfterMs, overload } = overloaded ?? {}
    this.#send({ type: 'denied', request, code, message, retryAfterMs, position: overload?.position, blockedBy: overload?.blockedBy })
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
