import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Attack } from './attack.ts'
import { PRELUDE } from './prelude.ts'

/** How long a control that is expected to hang is watched, and any other, in milliseconds. */
const HANGING_MS = 500
const OTHER_MS = 20_000

const CHILD_FILE = fileURLToPath(new URL('control-child.mjs', import.meta.url))

/** Attacks on plain `node:vm`, in a process that may break: the next attack then gets another. */
export class Control implements AsyncDisposable {
  #child: ChildProcess | undefined
  #lastId = 0

  /** What the attacker reports; `crashes` or `hangs` if the process does. */
  async verdict({ steps, globals = {}, host, web, control }: Attack): Promise<string> {
    const child = (this.#child ??= fork(CHILD_FILE, {
      serialization: 'advanced',
      execArgv: ['--experimental-vm-modules', '--no-warnings'],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    }))
    const id = ++this.#lastId
    const { promise, resolve } = Promise.withResolvers<string>()
    const onMessage = (message: { readonly id: number; readonly verdict: string }): void => {
      if (message.id === id) resolve(message.verdict)
    }
    const onExit = (): void => {
      this.#child = undefined
      resolve('crashes')
    }
    const watch = setTimeout(() => resolve('hangs'), control === 'hangs' ? HANGING_MS : OTHER_MS)
    child.on('message', onMessage)
    child.once('exit', onExit)
    child.send({ id, steps, globals, host: host === true, web: web === true, prelude: PRELUDE })
    const verdict = await promise
    child.off('message', onMessage)
    child.off('exit', onExit)
    clearTimeout(watch)
    if (verdict === 'hangs') await this[Symbol.asyncDispose]()
    return verdict
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }
}
