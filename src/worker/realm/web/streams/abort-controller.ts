import { use } from '../context.ts'

/** What web-streams-polyfill finds under this name: the realm's own class, loaded when a WritableStream is made. */
export const AbortController = function (): object {
  return new (use('events').AbortController)()
}
