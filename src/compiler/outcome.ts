import type { ErrorCode } from '../protocol/error-codes.ts'
import type { Format, Language, SourceImport } from '../protocol/compiler-link.ts'

/** What a thread is given. */
export interface CompileTask {
  readonly language: Language
  readonly format: Format
  readonly filename: string | undefined
  readonly source: string
  readonly cache: boolean
}

export interface Compiled {
  readonly type: 'compiled'
  readonly code: string
  readonly imports: readonly SourceImport[]
  readonly sourceMap: string | undefined
  readonly cachedData: Uint8Array | undefined
}

/** What a thread makes of it. Data only: it crosses from thread to thread by structured clone. */
export type Outcome = Compiled | Threw | { readonly type: 'failed'; readonly code: ErrorCode; readonly message: string }

/** The source's own fault. */
export interface Threw {
  readonly type: 'threw'
  readonly name: 'SyntaxError' | 'RangeError'
  readonly message: string
  readonly stack: string
  /** It left the thread of no use to others. */
  readonly threadLost: boolean
}
