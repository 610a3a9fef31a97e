import type { Connection } from '../connection.ts'
import { CompilerCrashError, type GloveboxError, ProtocolError, type Report } from '../errors.ts'
import { type CompileAnswer, CompilerChannel, CompilerGoneError, type CompileRequest } from './compiler-channel.ts'

/** How often a request is sent again because the compiler died of others. */
const MAX_ATTEMPTS = 5

/** The tenant's compiler as this client sees it: leased when something is to be compiled, and again when it is gone. */
export class Compiler {
  readonly #connection: Connection
  #channel: CompilerChannel | undefined
  #opening: Promise<CompilerChannel> | undefined
  #ended: GloveboxError | undefined

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /**
   * What was in work when a compiler died is sent again, to be compiled alone: if the next one dies of it, too, the blame is certain. What had not started goes again as it was.
   * @throws CompilerCrashError
   */
  async compile(request: Omit<CompileRequest, 'alone'>, signal: AbortSignal): Promise<CompileAnswer> {
    let alone = false
    for (let attempt = 1; ; attempt++) {
      const channel = await this.#connected()
      try {
        await channel.opened()
        return await channel.compile({ ...request, alone }, signal)
      } catch (error) {
        if (!(error instanceof CompilerGoneError)) throw error
        const report = await channel.report()
        if (this.#ended !== undefined) throw this.#ended
        signal.throwIfAborted()
        if (alone && error.started) throw crashError(report, 'while it compiled this source alone')
        if (attempt === MAX_ATTEMPTS) throw crashError(report, `${MAX_ATTEMPTS} times before it came to this source`)
        alone ||= error.started
      }
    }
  }

  /** The daemon says that a process is gone. */
  lost(worker: number, report: Report): void {
    if (this.#channel?.worker === worker) this.#channel.lost(report)
  }

  /** The control connection is gone, and with it every lease. */
  disconnected(cause: GloveboxError): void {
    this.#channel?.fail(cause)
  }

  /** Nothing is compiled any more. */
  end(cause: GloveboxError): void {
    this.#ended ??= cause
    this.#channel?.fail(cause)
  }

  async #connected(): Promise<CompilerChannel> {
    if (this.#ended !== undefined) throw this.#ended
    if (this.#channel?.alive === true) return this.#channel
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined
    })
    return this.#opening
  }

  async #open(): Promise<CompilerChannel> {
    const { control, lease } = await this.#connection.ask(async (control) => ({ control, lease: await control.lease('compile', [], 0) }))
    if (this.#ended !== undefined) throw this.#ended
    if (lease.path === undefined) throw new ProtocolError('ERR_PROTOCOL', 'the daemon leased a compiler without a path')
    this.#channel = new CompilerChannel(lease, lease.path, (reason) => control.distrust(lease.worker, reason))
    return this.#channel
  }
}

function crashError(report: Report | undefined, when: string): CompilerCrashError {
  const how = report === undefined ? '' : `: ${report.stderr ?? report.reason ?? report.signal ?? `exit code ${report.exitCode}`}`
  const compiling: Report | undefined = report === undefined ? undefined : { ...report, phase: 'compile' }
  return new CompilerCrashError('ERR_COMPILER_CRASHED', `the compiler died ${when}${how}`, compiling)
}
