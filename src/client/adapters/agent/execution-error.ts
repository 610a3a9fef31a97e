import {
  CompilerCrashError,
  ContextLostError,
  GloveboxError,
  GuestError,
  LimitError,
  MemoryLimitError,
  OutputLimitError,
  TimeoutError,
  ValueError,
  WorkerCrashError,
} from '../../index.ts'
import { unwrappedStack } from './wrapped-code.ts'

/** Why the code did not come to its end, as data: safe to give to whoever wrote it. */
export interface ExecutionError {
  /** Of the guest's error (`TypeError`), or of the limit's (`TimeoutError`). The guest's may be anything. */
  readonly name: string
  readonly message: string
  /** Stable for limits (`ERR_TIMEOUT`); `ERR_GUEST`, unless the guest's error had one. */
  readonly code: string
  /** Where it came to be, by lines of the code; for what the code threw. */
  readonly stack?: string
}

/** Failures that are the code's own doing. Anything else (no daemon, no worker free, a wrong option) is the caller's to deal with. */
const BLAMED = [
  GuestError,
  TimeoutError,
  MemoryLimitError,
  OutputLimitError,
  ValueError,
  LimitError,
  WorkerCrashError,
  ContextLostError,
  CompilerCrashError,
]

/** Undefined if the code is not to blame. */
export function executionError(thrown: unknown, filename: string): ExecutionError | undefined {
  if (!(thrown instanceof GloveboxError) || !BLAMED.some((Blamed) => thrown instanceof Blamed)) return undefined
  const { name, message } = thrown
  // A guest's error may have a code of any kind.
  const code = typeof thrown.code === 'string' ? thrown.code : 'ERR_GUEST'
  if (!(thrown instanceof GuestError)) return { name, message, code }
  return { name, message, code, stack: unwrappedStack(thrown.stack ?? '', filename) }
}
