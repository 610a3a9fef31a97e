// Where a cache is written, the global is gone by then.
import { Buffer } from 'node:buffer'

/**
 * Code caches of V8's for programs that are started often: bytecode, so that their text need not be parsed at every start. V8 refuses one of another version, or made under other options; of the text it compares no
 * more than the length. So the build writes the same line at the end of a program and at the beginning of its caches.
 */

/** SHA-256 of the program in hexadecimal, and a line feed. */
const BUILD_LINE = 65

/** `program` ends with the line of its build. */
const buildLine = (program: string): string => program.slice(-BUILD_LINE)

/** What V8 takes as `cachedData`; undefined if the cache is of another build. */
export function cachedDataOf(program: string, cache: Buffer): Buffer | undefined {
  return cache.toString('latin1', 0, BUILD_LINE) === buildLine(program) ? cache.subarray(BUILD_LINE) : undefined
}

/** The file that holds a cache of the program's: what {@link cachedDataOf} takes. */
export function cacheFileOf(program: string, script: { createCachedData(): Buffer }): Buffer {
  return Buffer.concat([Buffer.from(buildLine(program), 'latin1'), script.createCachedData()])
}

/** The program as a script: a function of Node's `require`, and of what else it is given. */
const asFunction = (program: string, given: string): string => `(function (require, ${given}) {${program}\n})`

export const WORKER_NAME = 'glovebox:worker'
/** It is given the cache for the realm side, and the scripts of realms by where their bytes begin and end. */
export const workerText = (program: string): string => asFunction(program, 'gloveboxRealmCache, gloveboxText')
export type WorkerProgram = (
  require: NodeJS.Require,
  realmCache: Buffer | undefined,
  textAt: (start: number, end: number) => string,
) => void

/** The embedded daemon's. It is given the URL of its file. */
export const daemonText = (program: string): string => asFunction(program, 'gloveboxUrl')
export type DaemonProgram = (require: NodeJS.Require, url: string) => void
