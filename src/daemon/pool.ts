import { errorMessage } from '../base/error.ts'
import type { LeasePurpose } from '../protocol/control-link.ts'
import type { Report } from '../protocol/report.ts'
import { DaemonError } from './daemon-error.ts'
import type { Deaths } from './deaths.ts'
import type { Logger } from './log.ts'
import { place, placeBeside } from './placement.ts'
import { Prospects } from './prospects.ts'
import { QueueWarnings } from './queue-warnings.ts'
import { Reclaiming } from './reclaiming.ts'
import type { Waiting, Whose, WorkerLimits } from './waiting-lease.ts'
import { WaitingLine } from './waiting-line.ts'
import { WorkerTurnover } from './worker-turnover.ts'
import { isSameKind, type WorkerKind } from './worker-kind.ts'
import { type WorkerNews, WorkerProcess, type WorkerSettings } from './worker-process.ts'

export interface PoolSettings extends WorkerSettings {
  /** Numbers of confined processes, each used once in a daemon's life. */
  readonly nextNumber: () => number
  readonly spare: number
  readonly max: number
}

/** Waits between starts after a worker died while it booted, in milliseconds: doubled each time. */
const FIRST_RETRY_MS = 100
const SLOWEST_RETRY_MS = 5_000
/** When the worker after one that was taken is started, unless somebody waits for it, in milliseconds. */
const REFILL_AFTER_MS = 10
/** After so many failed starts in a row, who waits for a worker is told. */
const GIVE_UP_AFTER = 3

/** A lease that wants a worker of another kind than the spares is told when so many did not boot for it. */
const MAX_FAILURES = 2

/** All workers: those that boot, the spares, and those bound to tenants. Spares are booted before anyone asks. */
export class Pool implements AsyncDisposable {
  readonly #settings: PoolSettings
  readonly #log: Logger
  readonly #workers = new Set<WorkerProcess>()
  readonly #line = new WaitingLine<Waiting>()
  /** Workers of another kind than the spares, while they boot for the lease that wants them. */
  readonly #ordered = new Map<WorkerProcess, Waiting>()
  readonly #turnover = new WorkerTurnover()
  readonly #prospects: Prospects
  readonly #onMessage: (worker: WorkerProcess, message: WorkerNews) => void
  readonly #onDeath: (worker: WorkerProcess, report: Report) => void
  readonly #reclaiming: Reclaiming
  readonly #onNearQueue: (tenant: string, maxQueue: number, waiting: number) => void
  readonly #queueWarnings = new QueueWarnings()
  readonly #deaths: Deaths
  readonly #proofs: { readonly resolve: () => void; readonly reject: (error: DaemonError) => void }[] = []
  #failedBoots = 0
  #retry: NodeJS.Timeout | undefined
  #refillsSoon = false
  #closed = false

  constructor(
    settings: PoolSettings,
    log: Logger,
    deaths: Deaths,
    on: {
      readonly message: (worker: WorkerProcess, message: WorkerNews) => void
      readonly death: (worker: WorkerProcess, report: Report) => void
      /** Somebody waits for a worker, and this one's clients do not use it: they are to let go of it. */
      readonly reclaimed: (worker: WorkerProcess) => void
      /** Most of the leases of a tenant that may wait do. */
      readonly nearQueue: (tenant: string, maxQueue: number, waiting: number) => void
    },
  ) {
    this.#settings = settings
    this.#log = log
    this.#deaths = deaths
    this.#onMessage = on.message
    this.#onDeath = on.death
    this.#onNearQueue = on.nearQueue
    this.#reclaiming = new Reclaiming(this.#workers, log, on.reclaimed)
    this.#prospects = new Prospects({
      max: settings.max,
      workers: this.#workers,
      line: this.#line,
      ordered: this.#ordered,
      turnover: this.#turnover,
      reclaiming: this.#reclaiming,
      boundTo: (tenant) => this.#boundTo(tenant),
      mayTake: (kind) => this.#mayTake(kind),
      isUsual: (kind) => this.#isUsual(kind),
    })
  }

  get workers(): ReadonlySet<WorkerProcess> {
    return this.#workers
  }

  /** Leases that wait for a worker. */
  get waiting(): number {
    return this.#line.size
  }

  /** Resolves when a worker has booted and attested what is required; throws ERR_CONFINEMENT or ERR_WORKER_BOOT if none does. Starts one if there is none. */
  async proven(): Promise<void> {
    if (this.#workers.size === 0) this.#start()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#proofs.push({ resolve, reject })
    await promise
  }

  /** Starts as many workers as are missing. While somebody waits, those alone: a spare that boots beside theirs would slow it. */
  refill(): void {
    const mayStart = (): boolean => !this.#closed && this.#retry === undefined && this.#workers.size < this.#settings.max
    while (mayStart() && this.#idle() < Math.max(this.#settings.spare, this.#waitingForSpares())) this.#start()
  }

  /**
   * A worker for a tenant, of the kind that is wanted: one that the tenant's clients share, unless it is for a run or a context with a process of its own. If none is free it waits for one, up to `waitMs`; if none can be
   * expected in that time, it is refused at once. Who has shared workers already, and asks for runs, wants one beside those: if there is none at hand, that is one of `known`.
   *
   * @throws OverloadedLeaseError
   */
  async lease(
    tenant: string,
    { purpose, known }: { readonly purpose: LeasePurpose; readonly known: readonly number[] },
    kind: WorkerKind,
    limits: WorkerLimits,
    waitMs: number,
  ): Promise<WorkerProcess> {
    if (this.#closed) throw new DaemonError('ERR_STOPPING', 'the daemon is stopping')
    const dedicated = purpose === 'process'
    const bound = this.#boundTo(tenant)
    const company = dedicated ? [] : bound.filter(({ state, isDraining }) => state.type === 'bound' && !state.dedicated && !isDraining)
    const shared = company.filter((worker) => isSameKind(worker.kind, kind))
    const mayHaveMore = bound.length + this.#line.countOf(tenant) < limits.maxWorkers
    const coming = dedicated ? [] : this.#coming(tenant)
    const ahead = coming.filter((each) => isSameKind(each.kind, kind))
    // Each kind may have one, whatever the others have.
    const mayShareMore = shared.length + ahead.length === 0 || company.length + coming.length < limits.maxShared
    const mayGrow = mayHaveMore && mayShareMore
    const own = purpose === 'run' ? shared.filter(({ number }) => known.includes(number)) : []
    if (own[0] !== undefined) {
      const spare = mayGrow && this.#isUsual(kind) ? this.#spareToSpare() : undefined
      const another = placeBeside(own, shared, spare)
      if (another !== undefined && another === spare) this.#bind(spare, { tenant, dedicated, kind })
      return another ?? own[0]
    }
    const choice = place(shared, mayGrow && this.#mayTake(kind))
    if (choice === undefined && ahead[0] !== undefined) {
      // Another lease of the tenant waits for a worker that this one can share.
      await ahead[0].served
      return this.lease(tenant, { purpose, known }, kind, limits, waitMs)
    }
    const worker = choice === 'new' || choice === undefined ? await this.#bindSpare({ tenant, dedicated, kind }, limits, waitMs) : choice
    if (purpose === 'context') worker.contextCount.promise(performance.now())
    return worker
  }

  /** Now and then: a worker that was in use when somebody began to wait may not be any more. */
  look(): void {
    const waiting = new Map(this.#line.filter(() => true).map((entry) => [entry.tenant, entry.limits]))
    for (const [tenant, { maxWorkers }] of waiting) {
      if (this.#boundTo(tenant).length >= maxWorkers) this.#reclaiming.reclaim(tenant, this.#line.size)
      else if (this.#workers.size >= this.#settings.max && this.#idle() === 0) this.#reclaiming.reclaim(undefined, this.#line.size)
    }
  }

  find(number: number): WorkerProcess | undefined {
    for (const worker of this.#workers) if (worker.number === number) return worker
    return undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    clearTimeout(this.#retry)
    this.#rejectAll(new DaemonError('ERR_STOPPING', 'the daemon is stopping'))
    await Promise.all([...this.#workers].map(async (worker) => worker[Symbol.asyncDispose]()))
  }

  /** Its workers, those that boot for it among them. */
  #boundTo(tenant: string): WorkerProcess[] {
    return [...this.#workers].filter(
      (worker) => (worker.state.type === 'bound' && worker.state.tenant === tenant) || this.#ordered.get(worker)?.tenant === tenant,
    )
  }

  /** Leases of the tenant that wait for a worker to share, or whose worker boots. */
  #coming(tenant: string): Waiting[] {
    const ofTenant = (each: Waiting): boolean => each.tenant === tenant && !each.dedicated
    return [...[...this.#ordered.values()].filter(ofTenant), ...this.#line.filter(ofTenant)]
  }

  /** Whether workers are booted for it before anyone asks. */
  #isUsual({ memoryBytes, jit }: WorkerKind): boolean {
    return memoryBytes === this.#settings.memoryBytes && jit
  }

  #waitingForSpares(): number {
    return this.#line.filter(({ kind }) => this.#isUsual(kind)).length
  }

  #idle(): number {
    let count = 0
    for (const worker of this.#workers) {
      const { type } = worker.state
      if ((type === 'spare' || type === 'booting') && !this.#ordered.has(worker)) count++
    }
    return count
  }

  #mayTake(kind: WorkerKind): boolean {
    if (this.#workers.size < this.#settings.max) return true
    // For one of another kind a spare makes room.
    return this.#isUsual(kind) ? this.#idle() > this.#waitingForSpares() : this.#idle() > this.#line.size
  }

  /** Takes and binds in one go, so that two leases of one turn never get the same spare. */
  #bindSpare(whose: Whose, limits: WorkerLimits, waitMs: number): Promise<WorkerProcess> | WorkerProcess {
    const { tenant, kind } = whose
    const spare = this.#isUsual(kind) ? this.#spare() : undefined
    if (spare !== undefined && this.#line.size === 0 && this.#boundTo(tenant).length < limits.maxWorkers) {
      this.#bind(spare, whose)
      return spare
    }
    this.#prospects.assertWorthWaiting(tenant, kind, limits, waitMs)
    const { promise, resolve, reject } = Promise.withResolvers<WorkerProcess>()
    const entry: Waiting = {
      ...whose,
      weight: limits.weight,
      limits,
      waitMs,
      untilMs: performance.now() + waitMs,
      timer: undefined,
      failures: 0,
      served: promise.catch(() => undefined),
      resolve,
      reject,
    }
    const blockedBy = this.#prospects.blockedBy(tenant, kind, limits)
    this.#wait(entry)
    const waiting = this.#line.countOf(tenant)
    if (this.#queueWarnings.waits(tenant, waiting, limits.maxQueue)) this.#onNearQueue(tenant, limits.maxQueue, waiting)
    if (!this.#isUsual(kind)) this.#serve()
    this.refill()
    if (blockedBy !== undefined) this.#reclaiming.reclaim(blockedBy === 'maxWorkers' ? tenant : undefined, this.#line.size)
    return promise
  }

  #wait(entry: Waiting): void {
    const { tenant, kind, limits, waitMs, untilMs, reject } = entry
    const look = (): void => {
      const leftMs = untilMs - performance.now()
      // A timer's time counts from when its turn of the event loop began.
      if (leftMs > 0) entry.timer = setTimeout(look, leftMs)
      else if (this.#line.remove(entry))
        reject(
          this.#prospects.overloaded(
            tenant,
            this.#prospects.blockedBy(tenant, kind, limits) ?? 'boot',
            `no worker was free within ${waitMs} ms`,
            waitMs,
          ),
        )
    }
    entry.timer = setTimeout(look, untilMs - performance.now())
    this.#line.add(entry)
  }

  /** Whether the tenant has another worker to share, or may get one. */
  canDoWithout(worker: WorkerProcess, limits: WorkerLimits): boolean {
    const bound = this.#boundTo(worker.tenant ?? '')
    const isUsable = (each: WorkerProcess): boolean =>
      each !== worker && each.state.type === 'bound' && !each.state.dedicated && !each.isDraining && isSameKind(each.kind, worker.kind)
    return bound.some(isUsable) || (bound.length < limits.maxWorkers && this.#mayTake(worker.kind))
  }

  #spare(): WorkerProcess | undefined {
    for (const worker of this.#workers) if (worker.state.type === 'spare' && !this.#ordered.has(worker)) return worker
    return undefined
  }

  /** One that nobody waits for, if it is not the last that others can have. */
  #spareToSpare(): WorkerProcess | undefined {
    return this.#line.size === 0 && (this.#idle() > 1 || this.#workers.size < this.#settings.max) ? this.#spare() : undefined
  }

  /** Gives spares to who waits for them, and starts workers for those who wait for one of another kind. */
  #serve(): void {
    while (!this.#closed && this.#line.size > 0) {
      const spare = this.#spare()
      const hasRoom = this.#workers.size < this.#settings.max
      const held = (tenant: string): number => this.#boundTo(tenant).length
      const entry = this.#line.next(
        held,
        ({ tenant, kind, limits }) => held(tenant) < limits.maxWorkers && (this.#isUsual(kind) ? spare !== undefined : hasRoom),
      )
      if (entry === undefined) break
      clearTimeout(entry.timer)
      this.#turnover.served(performance.now(), this.#line.size > 0)
      if (spare === undefined || !this.#isUsual(entry.kind)) this.#order(entry)
      else {
        this.#bind(spare, entry)
        entry.resolve(spare)
      }
    }
    this.#makeRoom()
  }

  /** Who waits for a worker of another kind than the spares gets the place of one. */
  #makeRoom(): void {
    const waits = this.#line.filter(({ tenant, kind, limits }) => !this.#isUsual(kind) && this.#boundTo(tenant).length < limits.maxWorkers)
    const isLeaving = [...this.#workers].some(({ alive }) => !alive)
    if (waits.length > 0 && this.#workers.size >= this.#settings.max && !isLeaving) this.#spare()?.retire('another lease needs its place')
  }

  /** Starts a worker for a lease that no spare can serve. */
  #order(entry: Waiting): void {
    const { memoryBytes, jit } = entry.kind
    try {
      this.#ordered.set(this.#launch({ ...this.#settings, memoryBytes, jit }), entry)
    } catch (error) {
      this.#log.error({ error: errorMessage(error) }, 'a worker could not be launched')
      this.#failed(entry, `a worker could not be launched: ${errorMessage(error)}`)
    }
  }

  /** The worker of a lease did not boot: that may have been bad luck, once. */
  #failed(entry: Waiting, why: string): void {
    entry.failures++
    if (this.#closed) entry.reject(new DaemonError('ERR_STOPPING', 'the daemon is stopping'))
    else if (entry.failures < MAX_FAILURES && performance.now() < entry.untilMs) this.#wait(entry)
    else entry.reject(new DaemonError('ERR_WORKER_BOOT', why))
  }

  #rejectAll(error: DaemonError): void {
    for (const { timer, reject } of this.#line.removeAll()) {
      clearTimeout(timer)
      reject(error)
    }
  }

  #bind(worker: WorkerProcess, { tenant, dedicated, kind }: Whose): void {
    worker.bind(tenant, dedicated, kind.owner)
    this.#failedBoots = 0
    this.#refillSoon()
  }

  /** After whoever was served has had time for a short run: a process that starts takes a core from it, and the daemon does nothing else for milliseconds. */
  #refillSoon(): void {
    if (this.#refillsSoon) return
    this.#refillsSoon = true
    setTimeout(() => {
      this.#refillsSoon = false
      this.refill()
    }, REFILL_AFTER_MS).unref()
  }

  #start(): void {
    try {
      this.#launch(this.#settings)
    } catch (error) {
      // No descriptors, no memory, no space: the daemon goes on with the workers that it has.
      this.#log.error({ error: errorMessage(error) }, 'a worker could not be launched')
      this.#bootFailed(`could not be launched: ${errorMessage(error)}`)
    }
  }

  #launch(settings: WorkerSettings): WorkerProcess {
    const worker: WorkerProcess = new WorkerProcess(this.#settings.nextNumber(), settings, {
      ready: () => this.#ready(worker),
      message: (message) => this.#onMessage(worker, message),
    })
    this.#workers.add(worker)
    void worker.death.then((report) => this.#died(worker, report))
    return worker
  }

  #ready(worker: WorkerProcess): void {
    for (const proof of this.#proofs.splice(0)) proof.resolve()
    const { state } = worker
    if (state.type === 'spare') this.#log.debug({ worker: worker.number, bootMs: Math.round(state.bootMs) }, 'worker ready')
    const order = this.#ordered.get(worker)
    this.#ordered.delete(worker)
    if (order !== undefined) {
      this.#bind(worker, order)
      order.resolve(worker)
    }
    this.#serve()
    if (worker.state.type === 'spare') void this.#rehearse(worker)
  }

  /** One that boots and dies of the least that it is asked for has not booted: the next is started after a while. */
  async #rehearse(worker: WorkerProcess): Promise<void> {
    if (await worker.rehearse()) this.#failedBoots = 0
  }

  #died(worker: WorkerProcess, report: Report): void {
    this.#workers.delete(worker)
    this.#deaths.record('worker', worker, report, this.#closed || worker.endedAsPlanned)
    this.#onDeath(worker, report)
    const order = this.#ordered.get(worker)
    this.#ordered.delete(worker)
    const why = report.reason ?? report.stderr ?? `exit code ${report.exitCode ?? report.signal}`
    if (order !== undefined) this.#failed(order, `the worker for this lease did not boot: ${why}`)
    if (report.phase === 'boot' && order === undefined) this.#bootFailed(why)
    else {
      // A spare may have been there all the time, and its tenant not allowed to have it.
      this.#serve()
      this.refill()
    }
  }

  #bootFailed(why: string): void {
    if (this.#closed) return
    this.#failedBoots++
    if (this.#failedBoots >= GIVE_UP_AFTER) {
      const error = new DaemonError('ERR_WORKER_BOOT', `workers do not boot: ${why}`)
      this.#rejectAll(error)
      for (const proof of this.#proofs.splice(0)) proof.reject(error)
    }
    const delayMs = Math.min(FIRST_RETRY_MS * 2 ** (this.#failedBoots - 1), SLOWEST_RETRY_MS)
    clearTimeout(this.#retry)
    this.#retry = setTimeout(() => {
      this.#retry = undefined
      this.refill()
    }, delayMs)
  }
}
