import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import {
  type Box,
  type ConsoleEvent,
  type Context,
  ContextLostError,
  GuestError,
  WorkerCrashError,
  MemoryLimitError,
} from '../../client/index.ts'
import { raisedToGuest } from '../../client/raised-error.ts'
import { describeFailure } from '../failure.ts'
import { InterruptedError } from '../interrupted.ts'
import { printable } from '../printable.ts'
import { coloured } from './colours.ts'
import { type Edit, originalColumn } from './edits.ts'
import { HOOK, type Rewritten } from './rewrite.ts'

/** Runs in each context before anything else: src/worker/realm/repl. */
const SETUP_FILE = new URL('../../worker/repl.js', import.meta.url)
/** Lines whose places in stacks are still known. */
const KEPT_LINES = 500
const COMPLETION_TIMEOUT_MS = 250

interface Line {
  readonly source: string
  readonly edits: readonly Edit[]
}

/** One context of the REPL. */
interface Place {
  readonly context: Context
  /** Its top-level `let`, `const` and `class`: no property of anything says them. */
  readonly declared: Set<string>
}

export interface SessionOptions {
  readonly timeout: number | undefined
  readonly colours: boolean
  readonly onConsole: (event: ConsoleEvent) => void
  /** Something went wrong between lines. */
  readonly onUncaught: (text: string) => void
}

/** The contexts of a REPL by name, and what is run in them. */
export class Session {
  readonly #box: Box
  readonly #options: SessionOptions
  readonly #setup = readFileSync(SETUP_FILE, 'utf8')
  readonly #places = new Map<string, Place>()
  readonly #lines = new Map<number, Line>()
  #lineCount = 0
  #name = 'main'

  constructor(box: Box, options: SessionOptions) {
    this.#box = box
    this.#options = options
  }

  get name(): string {
    return this.#name
  }

  get names(): readonly string[] {
    return [...this.#places.keys()]
  }

  /** Goes to the context of that name; it is made if there is none. */
  async use(name: string): Promise<'made' | 'found'> {
    const isThere = this.#places.has(name)
    if (!isThere) this.#places.set(name, await this.#make())
    this.#name = name
    return isThere ? 'found' : 'made'
  }

  /** The current context begins anew. */
  async reset(): Promise<void> {
    await this.#places.get(this.#name)?.context.dispose()
    this.#places.set(this.#name, await this.#make())
  }

  /** Resolves with what is to be written: the value as text, or how it failed. Never rejects for what a guest does. */
  async evaluate({ source, code, edits, shows, keepsError, declares, language }: Rewritten, signal: AbortSignal): Promise<string> {
    const { context, declared } = this.#current()
    const number = ++this.#lineCount
    this.#lines.set(number, { source, edits })
    this.#lines.delete(number - KEPT_LINES)
    // Also if it fails: some of them may be there then.
    for (const name of declares) declared.add(name)
    const { timeout } = this.#options
    const more = { ...(timeout === undefined ? {} : { timeout }), ...(language === undefined ? {} : { language }) }
    try {
      const value = await context.run(code, { filename: `REPL${number}`, signal, ...more })
      return this.#shown(shows && typeof value === 'string' ? value : inspect(value, { customInspect: false }))
    } catch (error) {
      if (error instanceof InterruptedError) return 'Interrupted. The context is as it was then.'
      // A copy, where the line could not be made to keep what it throws.
      if (error instanceof GuestError && !keepsError) await context.call(`${HOOK}.failed`, raisedToGuest(error)).catch(() => undefined)
      return `${this.#described(error)}${await this.#revive(error)}`
    }
  }

  /** Names of members of what a path of names leads to; of everything that a name can mean here for an empty path. */
  async completions(path: readonly string[]): Promise<readonly string[]> {
    const { context, declared } = this.#current()
    const [first, ...rest] = path
    const code =
      first === undefined
        ? `${HOOK}.names(undefined, [])`
        : `${HOOK}.isAccessor(${JSON.stringify(first)}) ? '' : ${HOOK}.names(() => ${first}, ${JSON.stringify(rest)})`
    try {
      const text = await context.run(code, { timeout: COMPLETION_TIMEOUT_MS, filename: 'completion' })
      const names = typeof text === 'string' ? text.split('\n') : []
      return first === undefined ? [...names, ...declared] : names
    } catch {
      return []
    }
  }

  #current(): Place {
    const place = this.#places.get(this.#name)
    if (place === undefined) throw new Error(`no context '${this.#name}'`)
    return place
  }

  async #make(): Promise<Place> {
    const context = await this.#box.createContext()
    await context.run(this.#setup, { filename: 'repl' })
    context.on('console', this.#options.onConsole)
    const uncaught = (error: Error): void => this.#options.onUncaught(this.#described(error))
    context.on('unhandledRejection', uncaught).on('uncaughtException', uncaught)
    return { context, declared: new Set() }
  }

  /** HOSTILE: the text is the guest's. */
  #shown(text: string): string {
    const harmless = printable(text, false)
    return this.#options.colours ? coloured(harmless) : harmless
  }

  /** With the columns of what was typed, where it was run as something else. */
  #described(error: unknown): string {
    // A line that awaits has become a function, whose end is a frame below what was typed.
    const text = describeFailure(error).replaceAll(
      /\n {4}at (?:async )?REPL(\d{1,9}):(\d{1,9}):\d{1,9}(?=\n|$)/g,
      (frame, number, line) => {
        const known = this.#lines.get(Number(number))
        return known !== undefined && Number(line) > known.source.trimEnd().split('\n').length ? '' : frame
      },
    )
    return text.replaceAll(/\bREPL(\d{1,9}):(\d{1,9}):(\d{1,9})/g, (place, number, line, column) => {
      const known = this.#lines.get(Number(number))
      if (known === undefined) return place
      return `REPL${number}:${line}:${originalColumn(known.source, known.edits, Number(line), Number(column))}`
    })
  }

  /** A context whose worker died is made anew, without what was in it. */
  async #revive(error: unknown): Promise<string> {
    const isLost = error instanceof ContextLostError || error instanceof WorkerCrashError || error instanceof MemoryLimitError
    if (!isLost) return ''
    this.#places.clear()
    await this.use(this.#name)
    return '\nAll contexts are gone with their worker; this one is new.'
  }
}
