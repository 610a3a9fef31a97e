import { execFileSync } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const LOCK = 'package-lock.json'

/** A built Glovebox that this one is compared with. */
export interface Base extends Disposable {
  /** What it was asked for by. */
  readonly name: string
  readonly directory: string
}

/** `base` is a folder with a build, or whatever git takes for a commit, which is built in a worktree that is gone afterwards. */
export function openBase(base: string): Base {
  if (existsSync(base) && statSync(base).isDirectory()) {
    if (isBuilt(base)) return { name: base, directory: resolve(base), [Symbol.dispose]: () => undefined }
    throw new Error(`--compare: ${base} has no dist/client/index.js: build it first`)
  }
  const commit = commitOf(base)
  if (commit === undefined) throw new Error(`--compare: '${base}' is neither a folder nor a commit that git knows here`)
  return worktree(base, commit)
}

function worktree(name: string, commit: string): Base {
  const directory = mkdtempSync(join(tmpdir(), 'glovebox-base-'))
  const remove = (): void => {
    process.off('exit', remove)
    process.off('SIGINT', interrupted)
    if (existsSync(directory)) git('worktree', 'remove', '--force', directory)
    rmSync(directory, { recursive: true, force: true })
  }
  const interrupted = (): never => process.exit(130)
  process.on('exit', remove)
  process.on('SIGINT', interrupted)
  try {
    git('worktree', 'add', '--detach', directory, commit)
    bringPackages(directory)
    execFileSync(process.execPath, [join(directory, 'scripts/build.mjs')], { cwd: directory, stdio: ['ignore', 'ignore', 'inherit'] })
    if (!isBuilt(directory)) throw new Error(`--compare: the build of ${name} made no dist/client/index.js`)
  } catch (error) {
    remove()
    throw error
  }
  return { name, directory, [Symbol.dispose]: remove }
}

/** The installed packages of this checkout where the lock file is the same, which is mostly so. */
function bringPackages(directory: string): void {
  if (readFileSync(join(directory, LOCK), 'utf8') === readFileSync(join(ROOT, LOCK), 'utf8')) {
    for (const path of ['node_modules', ...globSync('tools/*/node_modules', { cwd: ROOT })])
      symlinkSync(join(ROOT, path), join(directory, path))
  } else execFileSync('npm', ['ci', '--ignore-scripts'], { cwd: directory, stdio: ['ignore', 'ignore', 'inherit'] })
}

function isBuilt(directory: string): boolean {
  return existsSync(join(directory, 'dist/client/index.js'))
}

function commitOf(ref: string): string | undefined {
  try {
    return git('rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`)
  } catch {
    return undefined
  }
}

function git(...args: readonly string[]): string {
  return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
}
