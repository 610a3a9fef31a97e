import { randomBytes, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { DaemonStatus } from '../../daemon/index.ts'
import { play } from './playground.ts'

/** UTF-16 code units are at least bytes here: what a person types, and more. */
const MAX_SNIPPET_BYTES = 64 * 1024
const ASSETS = { '/dashboard.js': 'text/javascript; charset=utf-8', '/dashboard.css': 'text/css; charset=utf-8' } as const
/** The page runs its own script and nothing else, talks to where it came from, and stands in nobody's frame. */
const SECURITY = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
} as const

const PAGE = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Glovebox</title><link rel="stylesheet" href="/dashboard.css"></head>
<body><main id="app">…</main><script type="module" src="/dashboard.js"></script></body>
</html>
`

interface Watched {
  readonly socket: string
  status(): DaemonStatus
}

/**
 * The dashboard: one page beside the metrics. Any user of this machine reaches a loopback port, so what the page asks takes a key, which the operator finds in what the daemon prints. The page sends it
 * in a header, which a page from elsewhere, also from another port of this machine, may not; the page itself has nothing to hide. Whoever asks for the host is checked before (DNS rebinding), and a snippet
 * is run for a request only that comes from the page.
 */
export class Dashboard {
  readonly #daemon: () => Watched | undefined
  readonly #key = randomBytes(24).toString('base64url')

  /** `daemon` is undefined until it has started. */
  constructor(daemon: () => Watched | undefined) {
    this.#daemon = daemon
  }

  /** What to open in a browser, on the address of the metrics. What is behind `#` stays in the browser: no log and no other server sees it. */
  get path(): string {
    return `/#key=${this.#key}`
  }

  /** Answers a request. False if it is for another page. */
  serve(request: IncomingMessage, response: ServerResponse): boolean {
    const url = URL.parse(request.url ?? '/', 'http://host')
    if (url === null) return false
    const known = url.pathname === '/' || url.pathname.startsWith('/api/') || url.pathname in ASSETS
    if (!known) return false
    if (url.pathname.startsWith('/api/') && !this.#mayEnter(request)) {
      reply(response, 403, 'text/plain; charset=utf-8', 'open the dashboard by the address that the daemon printed: it has a key\n')
      return true
    }
    // Who asked may be gone in the middle of it.
    this.#answer(url.pathname, request, response).catch(() => response.destroy())
    return true
  }

  async #answer(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const isGet = request.method === 'GET'
    const daemon = this.#daemon()
    if (daemon === undefined) {
      reply(response, 503, 'text/plain; charset=utf-8', 'the daemon starts\n')
      return
    }
    if (path === '/' && isGet) reply(response, 200, 'text/html; charset=utf-8', PAGE)
    else if (isAsset(path) && isGet)
      reply(response, 200, ASSETS[path], readFileSync(new URL(`../../dashboard${path}`, import.meta.url), 'utf8'))
    else if (path === '/api/status' && isGet) replyJson(response, 200, daemon.status())
    else if (path === '/api/run' && request.method === 'POST') await this.#run(daemon, request, response)
    else reply(response, 405, 'text/plain; charset=utf-8', 'there is nothing to do so here\n')
  }

  async #run(daemon: Watched, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { origin, host } = request.headers
    if (origin !== `http://${host}`) {
      replyJson(response, 403, { message: 'this request does not come from the dashboard' })
      return
    }
    const source = await readBody(request)
    if (source === undefined) {
      replyJson(response, 413, { message: `a snippet has at most ${MAX_SNIPPET_BYTES} bytes` })
      return
    }
    const played = await play(daemon.socket, source)
    if (played === undefined) replyJson(response, 429, { message: 'several snippets run already' })
    else replyJson(response, 200, played)
  }

  #mayEnter(request: IncomingMessage): boolean {
    const key = request.headers['x-glovebox-key']
    return typeof key === 'string' && isSame(key, this.#key)
  }
}

function isAsset(path: string): path is keyof typeof ASSETS {
  return Object.hasOwn(ASSETS, path)
}

function isSame(given: string, secret: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(secret)]
  return a.length === b.length && timingSafeEqual(a, b)
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    // What is too much is read all the same, so that the answer is; the server ends requests that take long.
    if (bytes <= MAX_SNIPPET_BYTES) chunks.push(chunk)
  }
  return bytes > MAX_SNIPPET_BYTES ? undefined : Buffer.concat(chunks).toString('utf8')
}

function reply(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { ...SECURITY, 'content-type': type }).end(body)
}

function replyJson(response: ServerResponse, status: number, body: unknown): void {
  reply(response, status, 'application/json', JSON.stringify(body))
}
