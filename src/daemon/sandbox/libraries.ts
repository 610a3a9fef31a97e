import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import { readElf } from './elf.ts'

/** What ld.so.conf(5) includes everywhere. */
const CONFIGURATION = '/etc/ld.so.conf.d'
/** Where loaders look after a file's own run path: the defaults of glibc and musl, of 64-bit systems. */
const DEFAULT_DIRECTORIES = ['/lib64', '/usr/lib64', '/lib', '/usr/lib', '/usr/local/lib', '/usr/local/lib64']

/**
 * The files that a program needs to start, by the path at which the loader looks for them: its interpreter and its libraries, and theirs. Found in the ELF files themselves.
 * Throws if one is missing.
 */
export function librariesOf(program: string): string[] {
  const directories = [...configuredDirectories(), ...DEFAULT_DIRECTORIES]
  const found = new Set<string>()
  const visit = (path: string): void => {
    const { interpreter, needed, runPath } = readElf(path)
    if (interpreter !== undefined) found.add(interpreter)
    const own = runPath.map((each) => each.replaceAll(/\$ORIGIN|\$\{ORIGIN\}/g, dirname(realpathSync(path))))
    for (const name of needed) {
      const library = isAbsolute(name)
        ? name
        : [...own, ...directories].map((directory) => join(directory, name)).find((candidate) => existsSync(candidate))
      if (library === undefined) throw new Error(`${path} needs ${name}, which is in none of the loader's directories`)
      if (found.has(library)) continue
      found.add(library)
      visit(library)
    }
  }
  visit(program)
  return [...found]
}

/** What ld.so.conf(5) names. */
function configuredDirectories(): string[] {
  try {
    return readdirSync(CONFIGURATION)
      .filter((name) => name.endsWith('.conf'))
      .toSorted()
      .flatMap((name) => readFileSync(join(CONFIGURATION, name), 'utf8').split('\n'))
      .map((line) => line.trim())
      .filter((line) => line.startsWith('/'))
  } catch {
    return []
  }
}
