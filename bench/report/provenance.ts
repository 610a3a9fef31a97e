import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Of what and how something was measured. */
export interface Provenance {
  /** What git says, and whether files differed from it. */
  readonly commit: string
  readonly command: string
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
/** What the benchmark itself writes is no change of what is measured. */
const BUT_RESULTS = ['--', '.', ':!docs/bench']

export function provenance(asked: readonly string[]): Provenance {
  return { commit: commitHere(), command: ['npm run bench', ...(asked.length === 0 ? [] : ['--', ...asked])].join(' ') }
}

function commitHere(): string {
  try {
    const commit = git('rev-parse', '--short=12', 'HEAD')
    return git('status', '--porcelain', '--untracked-files=no', ...BUT_RESULTS) === '' ? commit : `${commit}, with changes`
  } catch {
    // A package that was unpacked, or no git.
    return 'unknown'
  }
}

function git(...args: readonly string[]): string {
  return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
}
