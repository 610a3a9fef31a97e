import type { Socket } from 'node:net'
import type { Connections } from '../confined/connections.ts'
import { type ClientToWorker, clientToWorker } from '../protocol/channel-link.ts'
import { FrameSplitter, FramingError } from '../protocol/framing.ts'
import type { Hello } from '../protocol/greeting.ts'
import { FRAME_OVERHEAD_BYTES, HELLO_TIMEOUT_MS, MAX_HELLO_FRAME_BYTES, MAX_QUEUED_BYTES, MAX_REQUEST_BYTES } from '../protocol/limits.ts'
import { MalformedMessageError } from '../protocol/link.ts'
import { MsgpackReader } from '../protocol/msgpack/reader.ts'
import { nativeStrings } from '../base/native-strings.ts'
import { Answers } from './answers.ts'
import type { BlockingSocket } from './blocking-socket.ts'
import { ChannelRuns } from './channel-runs.ts'
import type { Pause } from './pause.ts'
import type { WorkerParts } from './worker-parts.ts'
import { Attachments } from './named/attachments.ts'
import type { Served } from './named/named-context.ts'
import type { NamedContexts } from './named/named-contexts.ts'
import type { HostAnswer } from './host-answer.ts'

const MAX_FRAME_BYTES = MAX_REQUEST_BYTES + FRAME_OVERHEAD_BYTES

/** How long one turn of the event loop may serve requests before others (other channels, the daemon's pings) get theirs, in milliseconds. */
const TURN_MS = 10

/** One client's connection to this worker: hello with a ticket, then requests. What breaks the protocol closes it. */
export class Channel {
  readonly #socket: Socket
  readonly #partsOf: (channel: number) => WorkerParts
  readonly #names: NamedContexts
  readonly #blocking: BlockingSocket
  readonly #connections: Connections<Channel>
  readonly #reader = new MsgpackReader(undefined, 0, 0, nativeStrings)
  readonly #answers: Answers
  readonly #helloTimer: NodeJS.Timeout
  readonly #splitter: FrameSplitter
  #runs: ChannelRuns | undefined
  #attachments: Attachments | undefined
  readonly #serveOwn = (message: Served, payload: Uint8Array): void => this.#runs?.serve(message, payload)
  #turnEndsMs = 0
  /** Whole frames that came with a chunk whose turn was over. */
  readonly #backlog: Uint8Array[] = []
  #backlogBytes = 0
  #yielding = false
  /** The synchronous host call that a guest waits for, and its answer. */
  #awaited: { readonly context: number; readonly call: number } | undefined
  #answer: HostAnswer | undefined

  constructor(
    socket: Socket,
    partsOf: (channel: number) => WorkerParts,
    pause: Pause,
    names: NamedContexts,
    blocking: BlockingSocket,
    connections: Connections<Channel>,
  ) {
    this.#names = names
    this.#socket = socket
    this.#partsOf = partsOf
    this.#blocking = blocking
    this.#connections = connections
    this.#splitter = new FrameSplitter(MAX_HELLO_FRAME_BYTES, (bytes, start, end) => {
      if (this.#awaited !== undefined) this.#meanwhile(bytes, start, end)
      else if (this.#backlog.length > 0 || this.#turnIsOver()) this.#queue(bytes, start, end)
      else this.#serve(bytes, start, end)
    })
    this.#answers = new Answers({ send: (bytes) => socket.write(bytes, this.#onSent), trySend: (bytes) => this.#trySend(bytes) }, pause)
    // What came while this worker computed is read before.
    const late = (): void => void (this.#runs === undefined && socket.destroy())
    this.#helloTimer = setTimeout(() => setImmediate(late), HELLO_TIMEOUT_MS)
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      clearTimeout(this.#helloTimer)
      this.#backlog.length = 0
      this.#attachments?.close()
      this.#runs?.close()
      connections.remove(this)
    })
  }

  /** Requests that were read and not served yet. */
  get queued(): number {
    return this.#backlog.length
  }

  /** Functions that this channel's contexts and its client hold of each other. */
  get handles(): number {
    return this.#runs?.handles ?? 0
  }

  /** Sees to what came about in its contexts while nothing was evaluated there. */
  sweep(): void {
    if (!this.#isCongested()) this.#runs?.sweep()
  }

  /** Whether a context of it computes until its deadline time and again. */
  get offends(): boolean {
    return this.#runs?.offends(performance.now()) === true
  }

  /** The daemon says that this run is not wanted any more. */
  cancel(run: number): void {
    if (this.#attachments?.cancel(run) !== true) this.#runs?.cancel(run)
  }

  /** The tenant has used up its processor time: whatever waits ends. */
  pause(): void {
    this.#runs?.pause()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #receive(chunk: Uint8Array): void {
    if (this.#awaited !== undefined) {
      this.#splitter.push(chunk)
      return
    }
    this.#turnEndsMs = performance.now() + TURN_MS
    try {
      this.#splitter.push(chunk)
    } catch (error) {
      this.#refuse(error)
      return
    }
    this.#answers.flush()
    if (this.#backlog.length > 0 || this.#turnIsOver()) this.#yield()
  }

  #turnIsOver(): boolean {
    return performance.now() > this.#turnEndsMs || this.#isCongested()
  }

  /**
   * The client has not read all yet that it was sent. Before guest code is entered everything must have left the event loop's own queue: a synchronous host call writes to the
   * socket by itself, and must not overtake. It also keeps a client that does not read from making answers pile up.
   */
  #isCongested(): boolean {
    return this.#socket.writableLength > 0 || this.#answers.isHeldUp
  }

  readonly #onSent = (): void => {
    if (this.#waitsToSend && !this.#isCongested()) {
      this.#waitsToSend = false
      setImmediate(() => this.#serveBacklog())
    }
  }
  #waitsToSend = false

  /** Goes on when the client has read enough of what waits for it, and the event loop has looked at everything else: a cancellation by the daemon overtakes what is queued here. */
  #yield(): void {
    if (this.#yielding || !this.#isCongested()) {
      this.#serveSoon()
      return
    }
    this.#yielding = true
    this.#socket.pause()
    this.#waitsToSend = true
  }

  #serveSoon(): void {
    if (this.#yielding || this.#socket.destroyed) return
    this.#yielding = true
    this.#socket.pause()
    // The first one comes right after this turn; between it and the second the loop polls.
    setImmediate(() => setImmediate(() => this.#serveBacklog()))
  }

  #queue(bytes: Uint8Array, start: number, end: number): void {
    this.#backlogBytes += end - start
    if (this.#backlogBytes > MAX_QUEUED_BYTES) throw new MalformedMessageError(`more than ${MAX_QUEUED_BYTES} bytes sent ahead`)
    this.#backlog.push(bytes.slice(start, end))
  }

  #serveBacklog(): void {
    this.#yielding = false
    this.#turnEndsMs = performance.now() + TURN_MS
    try {
      let served = 0
      while (served < this.#backlog.length && !this.#turnIsOver()) {
        const frame = this.#backlog[served] as Uint8Array
        served++
        this.#serve(frame, 0, frame.length)
        this.#backlogBytes -= frame.length
      }
      this.#backlog.splice(0, served)
    } catch (error) {
      this.#refuse(error)
      return
    }
    this.#answers.flush()
    if (this.#backlog.length > 0 || this.#turnIsOver()) this.#yield()
    else this.#socket.resume()
  }

  #serve(bytes: Uint8Array, start: number, end: number): void {
    if (!this.#socket.writable) return
    const reader = this.#reader
    reader.reset(bytes, start, end)
    const message = clientToWorker.read(reader)
    if (message.type === 'hello') {
      this.#hello(message)
      return
    }
    if (this.#runs === undefined) throw new MalformedMessageError('a request before hello')
    if (message.type !== 'cancel') this.#attachments?.serve(message, bytes.subarray(reader.position, end), this.#serveOwn)
    else if (this.#attachments?.cancel(message.run) !== true) this.#runs.cancel(message.run)
  }

  /** Writes what the socket takes now, unless the event loop has something to write first. */
  #trySend(bytes: Uint8Array): number {
    const fd = descriptorOf(this.#socket)
    return fd < 0 || this.#socket.writableLength > 0 ? 0 : this.#blocking.tryWrite(fd, bytes)
  }

  /**
   * Sends what has gathered, and then waits for the answer to a synchronous host call, without the event loop. Other requests that come meanwhile wait for their turn.
   * `undefined` if there is none before the deadline, or the run was cancelled, or the client is gone.
   */
  #converse(context: number, call: number, deadlineMs: number): HostAnswer | undefined {
    if (!this.#send(deadlineMs)) return undefined
    const fd = descriptorOf(this.#socket)
    this.#awaited = { context, call }
    this.#answer = undefined
    try {
      // A socket that stands still is read all the same, for a while: what Node keeps of it comes before what the kernel does.
      while (this.#socket.readableLength > 0 && this.#socket.read() !== null);
      while (this.#answer === undefined && this.#runs?.isCancelled !== true && performance.now() < deadlineMs) {
        const bytes = this.#blocking.read(fd, deadlineMs)
        if (bytes === 'closed') break
        if (bytes !== undefined) this.#splitter.push(bytes)
      }
    } catch (error) {
      this.#refuse(error)
    } finally {
      this.#awaited = undefined
    }
    // What came meanwhile has its turn after this one.
    if (this.#backlog.length > 0) this.#serveSoon()
    return this.#runs?.isCancelled === true ? undefined : this.#answer
  }

  /** Sends what has gathered, without the event loop. */
  #send(deadlineMs: number): boolean {
    const fd = descriptorOf(this.#socket)
    if (fd < 0 || this.#socket.writableLength > 0) return false
    return this.#answers.flushBy((bytes) => this.#blocking.write(fd, bytes, deadlineMs))
  }

  /** A frame that came while a guest waits: its answer, the end of its run, or something for later. */
  #meanwhile(bytes: Uint8Array, start: number, end: number): void {
    const reader = this.#reader
    reader.reset(bytes, start, end)
    const message: ClientToWorker = clientToWorker.read(reader)
    const isAnswer = message.type === 'returned' || message.type === 'raised' || message.type === 'promised'
    const isOurs = isAnswer && message.context === this.#awaited?.context && message.call === this.#awaited.call
    // What comes after `promised` is what the promise came to, for later; what comes after a cancellation is for nobody, and read as what came too late.
    if (isOurs && this.#answer === undefined && this.#runs?.isCancelled !== true)
      this.#answer = { type: message.type, payload: bytes.slice(reader.position, end) }
    else if (message.type !== 'cancel' || this.#runs?.cancelCurrent(message.run) !== true) this.#queue(bytes, start, end)
  }

  #hello(hello: Hello): void {
    if (this.#runs !== undefined) throw new MalformedMessageError('a second hello')
    const found = this.#connections.admit(this, hello)
    if ('code' in found) {
      this.#answers.failed(0, found.code, found.message, 'queued', 0, 0)
      this.#hangUp()
      return
    }
    clearTimeout(this.#helloTimer)
    this.#splitter.maxFrameBytes = MAX_FRAME_BYTES
    const parts = this.#partsOf(found.channel)
    this.#attachments = new Attachments(parts, this.#names, found, this.#answers)
    this.#runs = new ChannelRuns(parts, found, this.#answers, {
      converse: (context, call, deadlineMs) => this.#converse(context, call, deadlineMs),
      send: (deadlineMs) => this.#send(deadlineMs),
      isCongested: () => this.#isCongested(),
    })
    this.#answers.welcome(found.version)
  }

  #refuse(error: unknown): void {
    if (!(error instanceof MalformedMessageError) && !(error instanceof FramingError)) throw error
    this.#answers.failed(0, 'ERR_PROTOCOL', error.message, 'queued', 0, 0)
    this.#hangUp()
  }

  #hangUp(): void {
    this.#answers.flush()
    this.#socket.destroySoon()
  }
}

/** A channel's descriptor, which Node's own socket keeps; -1 once it is closed. */
function descriptorOf(socket: Socket): number {
  return (socket as unknown as { readonly _handle: { readonly fd: number } | null })._handle?.fd ?? -1
}
