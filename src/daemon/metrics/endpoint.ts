import { chmodSync, existsSync, lstatSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { dirname } from 'node:path'
import { errorMessage } from '../../base/error.ts'
import { DaemonError } from '../daemon-error.ts'
import { Exposition, type MetricsSource } from './exposition.ts'

export interface EndpointSource extends MetricsSource {
  /** Why the daemon cannot serve now, if it cannot. */
  unready(): string | undefined
  /** Answers a request that is for another page of somebody's, and says whether it was. */
  readonly pages?: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined
}

/** A request that takes longer is ended, in milliseconds; and connections at once, from this machine. */
const REQUEST_TIMEOUT_MS = 5_000
const MAX_CONNECTIONS = 64
/** How often connections are looked at for requests that take too long, in milliseconds. Node's own 30 s would let a few slow ones keep all others out for as long. */
const LOOK_MS = 1_000
const TEXT = 'text/plain; charset=utf-8'

interface Answer {
  readonly status: number
  readonly type?: string
  readonly body: string
}

/**
 * Metrics and health over HTTP, on a Unix socket or a loopback port: `/metrics`, `/healthz` (the process turns) and `/readyz` (it takes leases). Reads only. On a port, a request must name this
 * machine as its host: a page in a browser that had its own name resolve to it (DNS rebinding) does not.
 */
export class MetricsEndpoint implements AsyncDisposable {
  /** Where it listens: a path, or host and port. */
  readonly address: string
  readonly #server: Server
  readonly #socketPath: string | undefined

  private constructor(server: Server, socketPath: string | undefined) {
    this.#server = server
    this.#socketPath = socketPath
    const { address, family, port } = (socketPath === undefined ? server.address() : {}) as Partial<AddressInfo>
    this.address = socketPath ?? `${family === 'IPv6' ? `[${address}]` : address}:${port}`
  }

  /** @throws DaemonError `ERR_METRICS` */
  static async listen(where: string, source: EndpointSource): Promise<MetricsEndpoint> {
    const isPath = where.startsWith('/')
    const exposition = new Exposition(source)
    const limits = { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS, connectionsCheckingInterval: LOOK_MS }
    const server = createServer(limits, (request, response) => {
      serve(request, response, !isPath, source, exposition).catch(() => response.destroy())
    })
    server.maxConnections = MAX_CONNECTIONS
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    server.once('error', reject)
    const colon = where.lastIndexOf(':')
    try {
      if (isPath) await makeRoom(where)
      server.listen(
        isPath ? { path: where } : { host: where.slice(0, colon).replace(/[[\]]/g, ''), port: Number(where.slice(colon + 1)) },
        resolve,
      )
      await promise
      if (isPath) chmodSync(where, 0o660)
    } catch (error) {
      throw new DaemonError('ERR_METRICS', `metrics cannot be served at ${where}: ${errorMessage(error)}`, { cause: error })
    }
    return new MetricsEndpoint(server, isPath ? where : undefined)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#server.close(() => resolve())
    this.#server.closeAllConnections()
    await promise
    if (this.#socketPath !== undefined) rmSync(this.#socketPath, { force: true })
  }
}

/** Removes the socket that a killed daemon left behind. What is no socket, or answers, is somebody's, and stays. */
async function makeRoom(path: string): Promise<void> {
  // Of a folder that is not there, listen() says that permission is denied.
  if (!existsSync(dirname(path))) throw new Error(`there is no folder ${dirname(path)}`)
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return
  if (!found.isSocket()) throw new Error('there is something else, which is no socket')
  if (await isServed(path)) throw new Error('another process listens there')
  rmSync(path, { force: true })
}

async function isServed(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const peer = connect(path)
  peer.once('connect', () => resolve(true))
  peer.once('error', () => resolve(false))
  try {
    return await promise
  } finally {
    peer.destroy()
  }
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  checksHost: boolean,
  source: EndpointSource,
  exposition: Exposition,
): Promise<void> {
  if ((!checksHost || isThisMachine(request)) && source.pages?.(request, response) === true) return
  const { status, type = TEXT, body } = await answer(request, checksHost, source, exposition)
  const headers = { 'content-type': type, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }
  response.writeHead(status, status === 405 ? { ...headers, allow: 'GET, HEAD' } : headers).end(request.method === 'HEAD' ? '' : body)
}

async function answer(request: IncomingMessage, checksHost: boolean, source: EndpointSource, exposition: Exposition): Promise<Answer> {
  if (checksHost && !isThisMachine(request))
    return { status: 421, body: 'this is a loopback service: name it as 127.0.0.1, [::1] or localhost\n' }
  if (request.method !== 'GET' && request.method !== 'HEAD') return { status: 405, body: 'GET only\n' }
  // A scraper may add parameters.
  switch (request.url?.split('?', 1)[0]) {
    case '/metrics':
      return { status: 200, type: exposition.contentType, body: await exposition.text() }
    case '/healthz':
      return { status: 200, body: 'ok\n' }
    case '/readyz': {
      const why = source.unready()
      return why === undefined ? { status: 200, body: 'ready\n' } : { status: 503, body: `${why}\n` }
    }
    default:
      return { status: 404, body: 'there are /metrics, /healthz and /readyz\n' }
  }
}

function isThisMachine({ headers, socket }: IncomingMessage): boolean {
  const { host } = headers
  return ['127.0.0.1', '[::1]', 'localhost'].some((name) => host === `${name}:${socket.localPort}`)
}
