import type { Admission } from '../../confined/tickets.ts'
import type { NamesOfWorker } from '../../protocol/named-messages.ts'
import type { WorkerParts } from '../worker-parts.ts'
import { NamedContext } from './named-context.ts'

interface Entry {
  readonly key: Uint8Array
  context: NamedContext | undefined
  /** What the daemon was told last. */
  attached: number
  attaches: number
}

/** The named contexts of this worker, by the keys that the daemon has announced. It alone says how long one stays. */
export class NamedContexts {
  readonly #byKey = new Map<string, Entry>()
  readonly #tell: (message: NamesOfWorker) => void

  constructor(tell: (message: NamesOfWorker) => void) {
    this.#tell = tell
  }

  announce(key: Uint8Array): void {
    this.#byKey.set(textOf(key), { key, context: undefined, attached: 0, attaches: 0 })
  }

  /** Undefined if the daemon knows of no such key. */
  open(key: Uint8Array, parts: WorkerParts, admission: Admission): NamedContext | undefined {
    const entry = this.#byKey.get(textOf(key))
    if (entry === undefined) return undefined
    entry.context ??= new NamedContext(parts, admission)
    return entry.context
  }

  /** The daemon gives the key up. */
  remove(key: Uint8Array): void {
    const entry = this.#byKey.get(textOf(key))
    this.#byKey.delete(textOf(key))
    entry?.context?.end()
  }

  /** A client ends it for all. */
  end(key: Uint8Array): void {
    if (!this.#byKey.has(textOf(key))) return
    this.remove(key)
    this.#tell({ type: 'nameEnded', key })
  }

  *[Symbol.iterator](): Generator<NamedContext> {
    for (const { context } of this.#byKey.values()) if (context !== undefined) yield context
  }

  /** Now and then: tells the daemon who is attached, if that has changed. */
  report(): void {
    for (const entry of this.#byKey.values()) {
      const { key, context } = entry
      if (context === undefined || (context.attached === entry.attached && context.attaches === entry.attaches)) continue
      entry.attached = context.attached
      entry.attaches = context.attaches
      this.#tell({ type: 'nameUsed', key, attached: context.attached, attaches: context.attaches })
    }
  }
}

function textOf(key: Uint8Array): string {
  return Buffer.from(key).toString('base64')
}
