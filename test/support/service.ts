import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { bindLibc } from '../../src/base/libc.ts'
import { listeningSocket } from '../../src/daemon/listening-socket.ts'
import { eventually } from './eventually.ts'

const CLI_FILE = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const AF_UNIX = 1
const SOCK_DGRAM_NONBLOCK = 2 | 0o4000
const SOCK_SEQPACKET = 5
const MAX_DATAGRAM = 4_096

const libc = bindLibc({
  socket: { arguments: ['int32', 'int32', 'int32'], return: 'int32' },
  bind: { arguments: ['int32', 'pointer', 'uint32'], return: 'int32' },
  listen: { arguments: ['int32', 'int32'], return: 'int32' },
  recv: { arguments: ['int32', 'pointer', 'uint64', 'int32'], return: 'int64' },
})

/** The datagram socket of a service manager, and what came there. */
export class NotifySocket implements Disposable {
  readonly name: string
  readonly #fd: number
  readonly #buffer = Buffer.alloc(MAX_DATAGRAM)
  readonly #heard: string[] = []

  /** `name` is a path, or an abstract name behind `@`. */
  constructor(name: string) {
    if (libc === undefined) throw new Error('needs node:ffi')
    this.name = name
    const address = Buffer.concat([Buffer.from([AF_UNIX, 0]), Buffer.from(name.replace(/^@/, '\0'))])
    this.#fd = Number(libc.functions.socket(AF_UNIX, SOCK_DGRAM_NONBLOCK, 0))
    if (libc.functions.bind(this.#fd, libc.addressOf(address), address.length) !== 0) throw new Error(`cannot bind ${name}`)
  }

  /** Waits for the first datagram that has this line, and takes it and all before it. */
  async hears(line: string | RegExp): Promise<string> {
    return eventually(`a datagram with ${String(line)}; came: ${JSON.stringify(this.#heard)}`, () => {
      this.#receive()
      const at = this.#heard.findIndex((text) =>
        text.split('\n').some((each) => (typeof line === 'string' ? each === line : line.test(each))),
      )
      return at < 0 ? undefined : this.#heard.splice(0, at + 1)[at]
    })
  }

  #receive(): void {
    if (libc === undefined) return
    for (;;) {
      const size = Number(libc.functions.recv(this.#fd, libc.addressOf(this.#buffer), BigInt(MAX_DATAGRAM), 0))
      if (size <= 0) return
      this.#heard.push(this.#buffer.toString('utf8', 0, size))
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd)
  }
}

/** A socket that listens, as systemd makes one for a service. */
export function serviceSocket(path: string): Disposable & { readonly fd: number } {
  const fd = listeningSocket(path)
  return { fd, [Symbol.dispose]: () => closeSync(fd) }
}

/** One that listens, too, and that no stream can be connected to. */
export function packetSocket(path: string): Disposable & { readonly fd: number } {
  if (libc === undefined) throw new Error('needs node:ffi')
  const address = Buffer.concat([Buffer.from([AF_UNIX, 0]), Buffer.from(path)])
  const fd = Number(libc.functions.socket(AF_UNIX, SOCK_SEQPACKET, 0))
  if (libc.functions.bind(fd, libc.addressOf(address), address.length) !== 0 || libc.functions.listen(fd, 1) !== 0)
    throw new Error(`cannot listen at ${path}`)
  return { fd, [Symbol.dispose]: () => closeSync(fd) }
}

/** `glovebox serve` as a service manager starts it: with a socket as descriptor 3, which the variables of its own process speak of. */
export function activated(args: readonly string[], env: Readonly<Record<string, string>>, fd: number): ChildProcess {
  const script = 'export LISTEN_PID=$$ LISTEN_FDS=1; exec "$0" "$@"'
  return spawn('/bin/sh', ['-c', script, process.execPath, CLI_FILE, 'serve', ...args], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'ignore', 'pipe', fd],
  })
}
