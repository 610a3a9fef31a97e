/** The bundled text of `realm/main.ts`, a script to run inside a guest's realm. Provided by the build and by the tests' configuration. */
declare module 'virtual:realm-source' {
  const source: string
  export default source
}

/** The bundled text of the web library `realm/web/NAME/library.ts`: an expression, see `realm/web/libraries.ts`. */
declare module 'virtual:web-*' {
  const source: string
  export default source
}
