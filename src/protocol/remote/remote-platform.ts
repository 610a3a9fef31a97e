/** What reads a stream that is taken apart, and holds its lock. */
export interface StreamReader {
  read(): Promise<{ readonly done: boolean; readonly value: unknown }>
  cancel(reason: unknown): Promise<unknown>
  /** Gives the stream back. Only while nothing is read. */
  releaseLock(): void
}

/** Where the stream that stands for one of the peer's gets its chunks from. */
export interface StreamSource {
  /** Gets one chunk, or the end. What it rejects with is the stream's error. */
  pull(controller: { enqueue(chunk: unknown): void; close(): void }): Promise<void>
  cancel(reason: unknown): Promise<void>
}

/** An AbortSignal that is taken apart. */
export interface SignalView {
  readonly aborted: boolean
  readonly reason: unknown
  /** Calls the listener once, when it aborts. Returns what takes the listener back. */
  readonly onAbort: (listener: () => void) => () => void
}

/** What remote objects need of the side on which they are made and taken apart: the classes of its realm, and its handles of the peer's functions. */
export interface RemotePlatform {
  /** Locks a ReadableStream; undefined for anything else. */
  readonly readStream: (value: object) => StreamReader | 'locked' | undefined
  /** A ReadableStream that asks for a chunk only when somebody reads. */
  readonly makeStream: (source: StreamSource) => object
  /** Undefined for anything but an AbortSignal. */
  readonly viewSignal: (value: object) => SignalView | undefined
  /** An AbortSignal, and what aborts it. That keeps the signal alive only while somebody listens to it. */
  readonly makeSignal: () => { readonly signal: object; readonly abort: (reason: unknown) => void }
  /** Whether the function is one of the peer's. */
  readonly isHandle: (fn: object) => boolean
  /** Gives such a function back: nobody calls it any more. */
  readonly releaseHandle: (fn: object) => void
  /** What the peer is told of an error that is thrown there, or is the reason of an abort. */
  readonly toPeer: (reason: unknown) => unknown
}

/** A function of the peer's: gives a promise. */
export type RemoteFunction = (...args: readonly unknown[]) => Promise<unknown>
