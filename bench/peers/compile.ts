import { readFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import vm from 'node:vm'
import type { Contender, Session } from '../contender.ts'
import { embedded } from './embedded.ts'

/** The TypeScript compiler: 9 million characters. */
const LARGE = new URL('../../tools/typescript5/node_modules/typescript/lib/typescript.js', import.meta.url)
const DIGITS = 8
setFlagsFromString('--expose-gc')
const collectGarbage = vm.runInNewContext('gc') as () => void
// V8 takes a code cache only if its flags are those of the compiler.
setFlagsFromString('--no-expose-gc')

/** V8 compiles a source as a worker does, with the code cache that the compiler made, or without. */
export async function open(settings: Contender['settings']): Promise<Session> {
  const source = readFileSync(LARGE, 'utf8')
  // No two are the same, or V8 would remember; and they differ at the start, or it would compare all of a source with each that it has seen, which have the same hash: of long texts that is their length. It knows a
  // cache's source by its length, too.
  const numbered = (number: number): string => `//${String(number).padStart(DIGITS, '0')}\n${source}`
  const cachedData = settings?.['cache'] === true ? await cacheOf(numbered(0)) : undefined
  let count = 0
  let next = ''
  return {
    async rest() {
      // In one piece, as what comes over a socket is.
      next = Buffer.from(numbered(count + 1)).toString()
      // What the last one left is not the next one's to collect.
      collectGarbage()
    },
    add() {
      count++
      const script = new vm.Script(next, cachedData === undefined ? {} : { cachedData })
      if (script.cachedDataRejected === true) throw new Error('V8 refused the code cache')
      return count
    },
    async [Symbol.asyncDispose]() {},
  }
}

async function cacheOf(source: string): Promise<Uint8Array> {
  await using box = await embedded()
  const { cachedData } = await box.compile(source)
  if (cachedData === undefined) throw new Error('the compiler made no code cache')
  return cachedData
}
