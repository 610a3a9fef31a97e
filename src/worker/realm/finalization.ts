import { ATTENTION, type RealmRecord } from './record.ts'

const { apply, construct, defineProperty } = Reflect
const NativeFinalizationRegistry = FinalizationRegistry
const NativeProxy = Proxy

export interface FinalizationJobs {
  /** Runs the callbacks of everything that was collected since. Called inside an evaluate. */
  run(): void
}

/**
 * V8 calls a registry's callback from a task of its own, outside any evaluate, where no deadline holds. So each registry gets a callback of ours, which only
 * notes the job; the guest's own runs in the next step. A Proxy keeps name, length, prototype and subclassing as they are.
 */
export function deferFinalization(realmGlobal: object, record: RealmRecord, report: (error: unknown) => void): FinalizationJobs {
  let jobs: { readonly callback: (held: unknown) => void; readonly held: unknown; next: unknown } | undefined
  const handler: ProxyHandler<typeof NativeFinalizationRegistry> = {
    // @ts-expect-error a handler without a prototype: a guest's Object.prototype must not add traps
    __proto__: null,
    construct(target, args, newTarget) {
      const callback: unknown = args[0]
      if (typeof callback !== 'function') return construct(target, args, newTarget) as object
      const note = (held: unknown) => {
        jobs = { callback: callback as (held: unknown) => void, held, next: jobs }
        record.attention |= ATTENTION.cleanups
      }
      return construct(target, [note], newTarget) as object
    },
  }
  const deferred = new NativeProxy(NativeFinalizationRegistry, handler)
  defineProperty(realmGlobal, 'FinalizationRegistry', { value: deferred, writable: true, enumerable: false, configurable: true })
  defineProperty(NativeFinalizationRegistry.prototype, 'constructor', {
    value: deferred,
    writable: true,
    enumerable: false,
    configurable: true,
  })
  return {
    run() {
      while (jobs !== undefined) {
        const job = jobs
        jobs = job.next as typeof jobs
        try {
          apply(job.callback, undefined, [job.held])
        } catch (error) {
          report(error)
        }
      }
    },
  }
}
