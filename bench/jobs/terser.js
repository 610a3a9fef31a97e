import Mustache from 'mustache'
import { minify_sync } from 'terser'

const source = `${Mustache.Writer};${Mustache.Context};${Object.values(Mustache.Writer.prototype)
  .map((method, at) => `export const method${at} = ${method}`)
  .join(';')}`

/** A template engine, minified. */
export function job() {
  return minify_sync(source, { module: true }).code
}
