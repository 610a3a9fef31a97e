/**
 * The few pieces of Node's inside that a worker needs (`--expose-internals`), typed by what is used of them.
 * They hold for the Node version that ships with the daemon; the tests that boot a worker fail when one changes.
 */
interface InternalBindings {
  readonly contextify: {
    startSigintWatchdog(): void
    watchdogHasPendingSigint(): boolean
  }
  readonly errors: {
    /** Where an error was made, for one of the parser's where the parser stopped. Runs no code of the error's. Aborts the process for anything but an object. */
    getErrorSourcePositions(error: Error): {
      readonly sourceLine?: unknown
      readonly scriptResourceName?: unknown
      readonly lineNumber?: unknown
      readonly startColumn?: unknown
    }
    setPrepareStackTraceCallback(callback: (global: object, error: unknown, sites: unknown) => unknown): void
  }
  readonly module_wrap: {
    setImportModuleDynamicallyCallback(callback: (...args: never[]) => unknown): void
    setInitializeImportMetaObjectCallback(callback: (...args: never[]) => unknown): void
  }
  readonly task_queue: {
    setPromiseRejectCallback(callback: (...args: never[]) => unknown): void
  }
}

type InternalBinding = <Name extends keyof InternalBindings>(name: Name) => InternalBindings[Name]

export const internalBinding: InternalBinding = (require('internal/test/binding') as { internalBinding: InternalBinding }).internalBinding
