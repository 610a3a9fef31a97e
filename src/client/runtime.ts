import { spawnSync } from 'node:child_process'
import { delimiter, join } from 'node:path'
import { isExecutable } from '../base/executable.ts'
import { ConnectionError } from './errors.ts'

/** The daemon's and the workers' Node must be at least this. */
export const MIN_RUNTIME_MAJOR = 26
const PROBE_TIMEOUT_MS = 10_000

/**
 * The Node binary for an embedded daemon, or for `what` needs one: this process's own if it is new enough, or else `GLOVEBOX_NODE`, or else the first new enough `node` on PATH.
 * @throws ConnectionError `ERR_NO_RUNTIME`
 */
export function findRuntime(what = 'an embedded daemon'): string {
  if (Number.parseInt(process.versions.node, 10) >= MIN_RUNTIME_MAJOR) return process.execPath
  const wanted = process.env['GLOVEBOX_NODE']
  const candidates = wanted === undefined ? (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'node')) : [wanted]
  for (const path of candidates) if (isExecutable(path) && majorOf(path) >= MIN_RUNTIME_MAJOR) return path
  throw new ConnectionError(
    'ERR_NO_RUNTIME',
    `${what} needs Node ${MIN_RUNTIME_MAJOR} or later; this process runs on ${process.version}, and ${
      wanted === undefined ? 'there is no newer one on PATH' : `GLOVEBOX_NODE (${wanted}) is none`
    }. Install Node ${MIN_RUNTIME_MAJOR}, set GLOVEBOX_NODE to its path, or start a daemon with 'glovebox serve'. In a project, 'npm install node@${MIN_RUNTIME_MAJOR}' puts one on the PATH of npx and of npm scripts`,
  )
}

function majorOf(path: string): number {
  const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8', timeout: PROBE_TIMEOUT_MS })
  return Number.parseInt((stdout ?? '').slice(1), 10) || 0
}
