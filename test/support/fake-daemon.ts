import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { type Box, connect } from 'glovebox'
import { DEFAULT_CHANNEL_LIMITS } from '../../src/protocol/channel-limits.ts'
import { type ClientToCompiler, clientToCompiler } from '../../src/protocol/compiler-link.ts'
import { type ClientToDaemon, clientToDaemon, type DaemonToClient, daemonToClient } from '../../src/protocol/control-link.ts'
import { FrameSplitter } from '../../src/protocol/framing.ts'
import { temporaryDirectory } from './daemons.ts'

/** What a compiler that a test plays does with each message: by what it writes to the socket, or by ending it. */
export type CompilerPart = (message: ClientToCompiler, socket: Socket, lease: number) => void

export interface FakeDaemon extends AsyncDisposable {
  readonly box: Box
  /** What the client told the daemon. */
  readonly heard: ClientToDaemon[]
  /** Tells the client that a process is gone. */
  lost(worker: number): void
}

/** A daemon, and compilers 1, 2, … that it leases, which say what the test has them say. */
export async function fakeDaemon(part: CompilerPart): Promise<FakeDaemon> {
  const directory = temporaryDirectory()
  const heard: ClientToDaemon[] = []
  const sockets = new Set<Socket>()
  const compilers: Server[] = []
  const listen = async (server: Server, path: string): Promise<void> =>
    new Promise((resolve) => {
      server.listen(path, resolve)
    })
  const serve = (each: (socket: Socket) => (bytes: Uint8Array, start: number, end: number) => void): Server =>
    createServer((socket) => {
      sockets.add(socket)
      const splitter = new FrameSplitter(1 << 28, each(socket))
      socket.on('data', (chunk: Buffer) => splitter.push(chunk))
      socket.on('error', () => socket.destroy())
      socket.on('close', () => sockets.delete(socket))
    })
  let tell: (message: DaemonToClient) => void = () => undefined
  const lease = async (request: number): Promise<void> => {
    const worker = compilers.length + 1
    const path = join(directory.path, `w${worker}.sock`)
    const compiler = serve((socket) => (bytes, start, end) => part(clientToCompiler.decode(bytes, start, end), socket, worker))
    compilers.push(compiler)
    await listen(compiler, path)
    tell({ type: 'leased', request, worker, channel: worker, path, ticket: new Uint8Array(16) })
  }
  const daemon = serve((socket) => {
    tell = (message) => socket.write(daemonToClient.encode(message))
    return (bytes, start, end) => {
      const message = clientToDaemon.decode(bytes, start, end)
      heard.push(message)
      if (message.type === 'hello')
        tell({
          type: 'welcome',
          version: 1,
          daemonVersion: 'fake',
          timeoutMs: 5_000,
          maxTimeoutMs: 10_000,
          limits: DEFAULT_CHANNEL_LIMITS,
          memoryBytes: 2 ** 28,
          trust: 'team',
        })
      if (message.type === 'lease') void lease(message.request)
    }
  })
  const path = join(directory.path, 'd.sock')
  await listen(daemon, path)
  const box = await connect({ socket: path })
  return {
    box,
    heard,
    lost: (worker) =>
      tell({ type: 'lost', worker, report: { phase: 'run', worker, signal: 'SIGSEGV', cpuMs: 1, wallMs: 1, peakRssBytes: 1 } }),
    async [Symbol.asyncDispose]() {
      await box.dispose()
      for (const socket of sockets) socket.destroy()
      for (const server of [daemon, ...compilers])
        await new Promise((resolve) => {
          server.close(resolve)
        })
      directory[Symbol.dispose]()
    },
  }
}
