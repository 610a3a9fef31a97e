import { type ClientToCompiler, clientToCompiler, type CompilerToClient, compilerToClient } from '../../src/protocol/compiler-link.ts'
import { MsgpackReader } from '../../src/protocol/msgpack/reader.ts'
import { eventually } from './eventually.ts'
import { CONTROL_HELLO, RawClient, RawPeer } from './raw-peer.ts'

type Request = Extract<ClientToCompiler, { readonly type: 'compile' }>

export function compileRequest(request: number, source: string, more: Partial<Request> = {}): Request {
  const usual = { language: 'js', format: 'script', cache: false, alone: false, filename: undefined } as const
  return { type: 'compile', request, source, ...usual, ...more }
}

/** A client of a compiler's, by hand. */
export class RawCompilerClient extends RawPeer {
  tell(...messages: readonly ClientToCompiler[]): void {
    this.write(...messages.map((message) => clientToCompiler.encode(message)))
  }

  compile(request: number, source: string, more?: Partial<Request>): void {
    this.tell(compileRequest(request, source, more))
  }

  /** What was said so far, without the values that belong to it. */
  get said(): CompilerToClient[] {
    return this.frames.map((bytes) => compilerToClient.read(new MsgpackReader(bytes, 0, bytes.length)))
  }

  /** The final answer to a request, once it is there. */
  async answerTo(request: number): Promise<CompilerToClient> {
    const isAnswer = (message: CompilerToClient): boolean =>
      message.type !== 'welcome' && message.type !== 'started' && message.request === request
    return eventually(`an answer to ${request}`, () => this.said.find(isAnswer))
  }
}

/** Asks a daemon for its compiler. */
export async function leaseCompiler(
  socket: string,
): Promise<{ readonly control: RawClient; readonly path: string; readonly ticket: Uint8Array }> {
  const control = new RawClient(socket)
  await control.answerTo(CONTROL_HELLO, 'welcome')
  const { path, ticket } = await control.answerTo({ type: 'lease', request: 1, purpose: 'compile', known: [], waitMs: 1_000 }, 'leased')
  if (path === undefined) throw new Error('a lease without a path')
  return { control, path, ticket }
}
