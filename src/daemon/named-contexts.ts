import { secretBytes } from '../base/random.ts'
import { MAX_CONTEXT_NAME, NAME_KEY_BYTES, NAMED_IDLE_MS, TICKET_LIFETIME_MS } from '../protocol/limits.ts'
import type { LeaseNamed, NamesOfWorker } from '../protocol/named-messages.ts'
import { DaemonError } from './daemon-error.ts'
import type { WorkerProcess } from './worker-process.ts'

interface Named {
  readonly tenant: string
  readonly name: string
  readonly key: Uint8Array
  readonly idleMs: number
  readonly placed: Promise<WorkerProcess>
  worker: WorkerProcess | undefined
  /** Keys given out, and the time of the last, of `performance.now()`. */
  granted: number
  grantedMs: number
  /** By the worker: channels that are attached, and how often one has attached. */
  attached: number
  attaches: number
  /** Since when nobody is attached, or somebody may come. */
  idleSinceMs: number
  timer: NodeJS.Timeout | undefined
}

/** What is known of a named context. */
export interface NameStatus {
  readonly name: string
  readonly tenant: string
  readonly worker: number | undefined
  readonly clients: number
  readonly idleMs: number
}

/** Which worker has the context of a name, for each tenant. A context is opened in its worker by a key that only clients of its tenant are told. */
export class NamedContexts {
  readonly #byTenant = new Map<string, Map<string, Named>>()
  /** Those that have a worker, by their keys. */
  readonly #byWorker = new Map<WorkerProcess, Map<string, Named>>()
  readonly #freed: (worker: WorkerProcess) => void

  /** @param freed called when a worker has one less */
  constructor(freed: (worker: WorkerProcess) => void) {
    this.#freed = freed
  }

  /** The worker and the key of a name. `place` finds a worker for a new one. Throws ERR_NAME_UNKNOWN, ERR_NAME_TAKEN, ERR_NAME_LIMIT. */
  async open(
    tenant: string,
    { name, mode, idleMs }: Pick<LeaseNamed, 'name' | 'mode' | 'idleMs'>,
    max: number,
    place: () => Promise<WorkerProcess>,
  ): Promise<{ readonly worker: WorkerProcess; readonly key: Uint8Array }> {
    if (name === '' || name.length > MAX_CONTEXT_NAME)
      throw new DaemonError('ERR_NAME_LIMIT', `the name of a context has 1 to ${MAX_CONTEXT_NAME} characters`)
    const names: ReadonlyMap<string, Named> = this.#byTenant.get(tenant) ?? new Map<string, Named>()
    let entry = names.get(name)
    // Its worker is being ended, and takes nobody in: the name is as free as it is when that is over.
    if (entry?.worker?.alive === false) {
      this.#remove(entry)
      entry = undefined
    }
    if (entry !== undefined && mode === 'new') throw new DaemonError('ERR_NAME_TAKEN', 'there is a context of this name already')
    if (entry === undefined) {
      if (mode === 'existing') throw new DaemonError('ERR_NAME_UNKNOWN', 'there is no context of this name')
      if (names.size >= max) throw new DaemonError('ERR_NAME_LIMIT', `this tenant has its limit of ${max} named contexts`)
      entry = this.#add(tenant, name, Math.max(NAMED_IDLE_MS.min, Math.min(NAMED_IDLE_MS.max, idleMs)), place)
    }
    entry.granted++
    entry.grantedMs = performance.now()
    const worker = await entry.placed
    entry.idleSinceMs = performance.now()
    this.#rearm(entry)
    return { worker, key: entry.key }
  }

  heard(worker: WorkerProcess, message: NamesOfWorker): void {
    const entry = this.#byWorker.get(worker)?.get(textOf(message.key))
    if (entry === undefined) return
    if (message.type === 'nameEnded') this.#remove(entry)
    else {
      // What it says of clients is its own claim, and must not keep it alive when there are none.
      const mayBeTrue = worker.channels.size > 0
      if (entry.attached > 0 || (mayBeTrue && entry.attaches !== message.attaches)) entry.idleSinceMs = performance.now()
      entry.attached = mayBeTrue ? message.attached : 0
      entry.attaches = message.attaches
      this.#rearm(entry)
    }
  }

  /** Nobody has a channel to the worker any more. */
  left(worker: WorkerProcess): void {
    for (const entry of this.#in(worker)) {
      if (entry.attached === 0 && entry.granted <= entry.attaches) continue
      entry.attached = 0
      entry.idleSinceMs = performance.now()
      this.#rearm(entry)
    }
  }

  /** The tenant is gone. */
  forget(tenant: string): void {
    for (const entry of this.#byTenant.get(tenant)?.values() ?? []) this.#remove(entry)
  }

  died(worker: WorkerProcess): void {
    for (const entry of this.#in(worker)) this.#remove(entry)
  }

  /** Whether a worker is needed for what is there. */
  isIn(worker: WorkerProcess): boolean {
    return this.#byWorker.has(worker)
  }

  /** Of a tenant; of all if it is undefined. */
  status(tenant: string | undefined): NameStatus[] {
    return Array.from(this.#all())
      .filter((entry) => tenant === undefined || entry.tenant === tenant)
      .map(({ name, tenant: whose, worker, attached, idleMs }) => ({
        name,
        tenant: whose,
        worker: worker?.number,
        clients: attached,
        idleMs,
      }))
  }

  [Symbol.dispose](): void {
    for (const entry of this.#all()) this.#remove(entry)
  }

  #add(tenant: string, name: string, idleMs: number, place: () => Promise<WorkerProcess>): Named {
    const key = secretBytes(NAME_KEY_BYTES)
    // All who ask for the name before it has a worker wait for the same.
    const placed = place().then((worker) => {
      if (!worker.alive) throw new DaemonError('ERR_STOPPING', `worker ${worker.number} is gone`)
      if (!this.#has(entry)) {
        this.#freed(worker)
        throw new DaemonError('ERR_NAME_UNKNOWN', 'this name was given up while a worker was found for it')
      }
      entry.worker = worker
      const keys = this.#byWorker.get(worker) ?? new Map<string, Named>()
      this.#byWorker.set(worker, keys.set(textOf(key), entry))
      worker.send({ type: 'named', key })
      return worker
    })
    const entry: Named = {
      tenant,
      name,
      key,
      idleMs,
      placed,
      worker: undefined,
      granted: 0,
      grantedMs: 0,
      attached: 0,
      attaches: 0,
      idleSinceMs: performance.now(),
      timer: undefined,
    }
    placed.catch(() => this.#remove(entry))
    const names = this.#byTenant.get(tenant) ?? new Map<string, Named>()
    names.set(name, entry)
    this.#byTenant.set(tenant, names)
    return entry
  }

  /** It ends when nobody has been attached for its idle time, and nobody who was given the key may yet come. */
  #rearm(entry: Named): void {
    clearTimeout(entry.timer)
    if (entry.attached > 0 || !this.#has(entry)) return
    const untilMs = Math.max(entry.idleSinceMs + entry.idleMs, entry.granted > entry.attaches ? entry.grantedMs + TICKET_LIFETIME_MS : 0)
    entry.timer = setTimeout(
      () => {
        entry.worker?.send({ type: 'unnamed', key: entry.key })
        this.#remove(entry)
      },
      Math.max(0, untilMs - performance.now()),
    ).unref()
  }

  #has(entry: Named): boolean {
    return this.#byTenant.get(entry.tenant)?.get(entry.name) === entry
  }

  #remove(entry: Named): void {
    clearTimeout(entry.timer)
    if (!this.#has(entry)) return
    const { tenant, name, key, worker } = entry
    const names = this.#byTenant.get(tenant)
    names?.delete(name)
    if (names?.size === 0) this.#byTenant.delete(tenant)
    if (worker === undefined) return
    const keys = this.#byWorker.get(worker)
    keys?.delete(textOf(key))
    if (keys?.size === 0) this.#byWorker.delete(worker)
    if (worker.alive) this.#freed(worker)
  }

  #in(worker: WorkerProcess): Iterable<Named> {
    return this.#byWorker.get(worker)?.values() ?? []
  }

  *#all(): Generator<Named> {
    for (const names of this.#byTenant.values()) yield* names.values()
  }
}

function textOf(key: Uint8Array): string {
  return Buffer.from(key).toString('base64')
}
