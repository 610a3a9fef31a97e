/** The bundled text of `realm/main.ts`, a script to run inside a guest's realm. Provided by the build and by the tests' configuration. */
declare module 'virtual:realm-source' {
  const source: string
  export default source
}
