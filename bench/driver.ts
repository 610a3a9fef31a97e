import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { BUILD_VARIABLE } from './builds/redirect.ts'
import type { Contender } from './contender.ts'
import type { Slice, SliceFigures } from './slice.ts'

/** Driver → its process. */
export type DriverCommand = { readonly type: 'open'; readonly contender: SentContender } | { readonly type: 'slice'; readonly slice: Slice }

/** A contender as it travels. */
export type SentContender = { readonly module: string; readonly settings?: Contender['settings'] }

/** A driver's process → driver. One for each command. */
export type DriverReply =
  | { readonly type: 'opened'; readonly digest?: string }
  | { readonly type: 'measured'; readonly figures: SliceFigures; readonly allocatedBytes: number }
  | { readonly type: 'failed'; readonly message: string }

/** Its own children inherit the flag from a driver. */
const REDIRECT = new URL('./builds/redirect.ts', import.meta.url).href

/**
 * A contender in a process of its own, so that neither the heap nor the compiled code of one weighs on another. Between slices it waits.
 */
export class Driver implements AsyncDisposable {
  readonly contender: Contender
  /** What the work gives, if it is more than to count. */
  digest: string | undefined
  /** What its process allocated of V8's heap in the last slice. */
  allocatedBytes = 0
  readonly #child: ChildProcess

  private constructor(contender: Contender) {
    this.contender = contender
    const { nodeFlags = [], build } = contender
    const flags = build === undefined ? nodeFlags : [...nodeFlags, '--import', REDIRECT]
    const env = build === undefined ? process.env : { ...process.env, [BUILD_VARIABLE]: build }
    this.#child = fork(new URL('./driver-process.ts', import.meta.url), [], { execArgv: [...flags], env })
  }

  static async open(contender: Contender): Promise<Driver> {
    const driver = new Driver(contender)
    try {
      const { module, settings } = contender
      const reply = await driver.#ask({ type: 'open', contender: { module: module.href, ...(settings && { settings }) } })
      if (reply.type === 'opened') driver.digest = reply.digest
      return driver
    } catch (error) {
      await driver[Symbol.asyncDispose]()
      throw error
    }
  }

  get pid(): number {
    const { pid } = this.#child
    if (pid === undefined) throw new Error(`${this.contender.name}: its process did not start`)
    return pid
  }

  async slice(slice: Slice): Promise<SliceFigures> {
    const reply = await this.#ask({ type: 'slice', slice })
    if (reply.type !== 'measured') throw new Error(`${this.contender.name}: unexpected reply ${reply.type}`)
    this.allocatedBytes = reply.allocatedBytes
    return reply.figures
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    if (this.#child.connected) this.#child.disconnect()
    await exited
  }

  async #ask(command: DriverCommand): Promise<DriverReply> {
    const { promise, resolve, reject } = Promise.withResolvers<DriverReply>()
    const exited = (code: number | null, signal: string | null): void => {
      reject(new Error(`${this.contender.name}: its process ended with ${signal ?? `code ${code}`}`))
    }
    this.#child.once('message', resolve)
    this.#child.once('exit', exited)
    this.#child.send(command)
    try {
      const reply = await promise
      if (reply.type === 'failed') throw new Error(`${this.contender.name}: ${reply.message}`)
      return reply
    } finally {
      this.#child.off('message', resolve)
      this.#child.off('exit', exited)
    }
  }
}
