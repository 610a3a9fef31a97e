import type { DeathCause } from '../protocol/report.ts'

/** What the witnesses say of a process that is gone. */
export interface DeathEvidence {
  /** Why the daemon ended it, if it did. */
  readonly endedFor: DeathCause | undefined
  readonly signal: string | undefined
  /** The line of its last words that says most. HOSTILE: of a worker that its guest owned it may say anything. */
  readonly lastWords: string | undefined
  /** The kernel killed a process for want of memory: in its cgroup, or anywhere on the machine while it lived. */
  readonly oomKills: { readonly inCgroup: number; readonly onMachine: number }
}

/** V8 says so before it aborts. */
const HEAP = /JavaScript heap out of memory|Reached heap limit/i
/** What cannot be allocated outside of V8's heap ends the process in many ways: of V8's zones, of the C++ library, of the loader, of Node's own. */
const OFF_HEAP = /out of memory|bad_alloc|allocation failed|cannot allocate memory|ENOMEM/i
/** Signals that a process gets from itself, or for what it does. */
const FATAL_SIGNALS = new Set(['SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGSEGV', 'SIGSYS', 'SIGTRAP'])

/** Which cause the evidence speaks for. What the kernel and the daemon know comes before what the process said. */
export function causeOfDeath({ endedFor, signal, lastWords, oomKills }: DeathEvidence): DeathCause {
  if (oomKills.inCgroup > 0) return 'oom-kill'
  if (endedFor !== undefined) return endedFor
  if (signal !== undefined && FATAL_SIGNALS.has(signal)) {
    if (lastWords !== undefined && HEAP.test(lastWords)) return 'heap'
    if (lastWords !== undefined && OFF_HEAP.test(lastWords)) return 'off-heap'
    return 'fatal'
  }
  if (signal === 'SIGKILL' && oomKills.onMachine > 0) return 'oom-kill'
  return signal === undefined ? 'exit' : 'signal'
}
