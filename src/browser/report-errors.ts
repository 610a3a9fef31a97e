import * as symbols from 'happy-dom/lib/PropertySymbol.js'

/** What a listener or a page script threw is an `error` event of the window and then, unless that was cancelled, an uncaught exception of the context. */
export function reportErrors(window: object): void {
  const dispatchError = (error: unknown): void => {
    const message = error instanceof Error ? error.message : String(error)
    const { ErrorEvent, dispatchEvent } = globalThis
    if (dispatchEvent(new ErrorEvent('error', { message, error, cancelable: true })))
      queueMicrotask(() => {
        throw error
      })
  }
  Reflect.defineProperty(window, symbols.dispatchError, { __proto__: null, value: dispatchError, configurable: true } as PropertyDescriptor)
}
