/** The parts of happy-dom that are not of its public entry. */
declare module 'happy-dom/lib/window/GlobalWindow.js' {
  const GlobalWindow: new (options: {
    readonly url: string
    readonly console: unknown
    readonly settings: object
  }) => { readonly document: Record<symbol, unknown> }
  export default GlobalWindow
}
declare module 'happy-dom/lib/PropertySymbol.js' {
  export const defaultView: unique symbol
  export const dispatchError: unique symbol
  export const readyState: unique symbol
  export const window: unique symbol
}
