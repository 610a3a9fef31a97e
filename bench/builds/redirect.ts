/** Loaded before a driver's program: what it and its children import of this checkout's `dist` comes from another build. */
import { registerHooks } from 'node:module'

/** Where that build is: the URL of a `dist/`. */
export const BUILD_VARIABLE = 'BENCH_BUILD'

const own = new URL('../../dist/', import.meta.url).href
const other = process.env[BUILD_VARIABLE]

if (other !== undefined)
  registerHooks({
    resolve(specifier, context, next) {
      const found = next(specifier, context)
      return found.url.startsWith(own) ? { ...found, url: other + found.url.slice(own.length) } : found
    },
  })
