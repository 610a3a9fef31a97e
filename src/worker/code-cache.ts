/**
 * Code caches of V8's for the worker's program: bytecode, so that its text need not be parsed at every start. V8 refuses one of another version, or made under other options; of the text it compares no more than
 * the length. So the build writes the same line at the end of the program and at the beginning of its caches.
 */

/** SHA-256 of the program in hexadecimal, and a line feed. */
const BUILD_LINE = 65

/** `program` ends with the line of its build. */
export const buildLine = (program: string): string => program.slice(-BUILD_LINE)

/** What V8 takes as `cachedData`; undefined if the cache is of another build. */
export function cachedDataOf(program: string, cache: Buffer): Buffer | undefined {
  return cache.toString('latin1', 0, BUILD_LINE) === buildLine(program) ? cache.subarray(BUILD_LINE) : undefined
}

export const PROGRAM_NAME = 'glovebox:worker'
/** The program as a script: a function of Node's `require`, and of the cache for the realm side. */
export const programText = (program: string): string => `(function (require, gloveboxRealmCache) {${program}\n})`
export type WorkerProgram = (require: NodeJS.Require, realmCache: Buffer | undefined) => void
