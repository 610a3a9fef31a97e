import { readFile, realpath, stat } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, posix, relative, sep } from 'node:path'
import type { ModuleResolver } from '../client/index.ts'
import type { RunSource } from './run-source.ts'

/** What a module file imports, from its folder and those below: nothing else on disk is a guest's to have read. */
export interface DiskModules {
  /** The key of the file itself. */
  readonly entry: string
  readonly resolve: ModuleResolver
}

export function diskModules({ code, filename, language }: RunSource, path: string): DiskModules {
  const folder = dirname(path)
  const entry = `./${basename(path)}`
  const resolve: ModuleResolver = async (specifier, referrer) => {
    if (referrer === '') return { source: code, filename, ...(language === 'ts' ? { format: 'typescript' } : {}) }
    if (!/^\.\.?\//.test(specifier)) throw new Error("only what begins with './' or '../' is read from disk")
    const key = posix.join(posix.dirname(referrer), specifier)
    const file = join(folder, key)
    const found = await realpath(file).catch(() => undefined)
    // Also by a link.
    if (key.startsWith('../') || (found !== undefined && isOutside(await realpath(folder), found)))
      throw new Error(`it is outside of the folder of '${basename(path)}'`)
    if (found === undefined) return undefined
    if (!(await stat(found)).isFile()) throw new Error('it is not a file')
    return { source: await readFile(found, 'utf8'), filename: file }
  }
  return { entry, resolve }
}

function isOutside(folder: string, file: string): boolean {
  const path = relative(folder, file)
  return path === '..' || path.startsWith(`..${sep}`) || isAbsolute(path)
}
