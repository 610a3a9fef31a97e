import { spawnSync } from 'node:child_process'
import { basename, delimiter, dirname, join, resolve } from 'node:path'
import { isExecutable } from '../base/executable.ts'
import { ConnectionError } from './errors.ts'

/** The daemon's and the workers' Node must be at least this. */
export const MIN_RUNTIME_MAJOR = 26
const MIN_CLIENT_MAJOR = 22
const PROBE_TIMEOUT_MS = 10_000

/**
 * Says so before anything fails for what an older Node lacks.
 * @throws ConnectionError `ERR_NO_RUNTIME`
 */
export function assertClientRuntime(): void {
  if (Number.parseInt(process.versions.node, 10) >= MIN_CLIENT_MAJOR) return
  throw new ConnectionError(
    'ERR_NO_RUNTIME',
    `the client needs Node ${MIN_CLIENT_MAJOR} or later, its daemon ${MIN_RUNTIME_MAJOR}; this process runs on ${process.version}. 'npm install node@${MIN_RUNTIME_MAJOR}' brings one to a project: run this by 'npx node FILE'`,
  )
}

/**
 * The Node binary for an embedded daemon, or for `what` needs one: this process's own if it is new enough, or else `GLOVEBOX_NODE`, or else the first new
 * enough `node` on PATH, or that is installed beside Glovebox (`npm install node@26`).
 * @throws ConnectionError `ERR_NO_RUNTIME`
 */
export function findRuntime(what = 'an embedded daemon'): string {
  if (Number.parseInt(process.versions.node, 10) >= MIN_RUNTIME_MAJOR) return process.execPath
  const wanted = process.env['GLOVEBOX_NODE']
  const folders = wanted === undefined ? [...(process.env['PATH'] ?? '').split(delimiter), ...besideUs()] : []
  const candidates = wanted === undefined ? folders.map((folder) => join(folder, 'node')) : [wanted]
  for (const path of candidates) if (isExecutable(path) && majorOf(path) >= MIN_RUNTIME_MAJOR) return path
  throw new ConnectionError(
    'ERR_NO_RUNTIME',
    `${what} needs Node ${MIN_RUNTIME_MAJOR} or later; this process runs on ${process.version}, and ${
      wanted === undefined ? 'there is no newer one on PATH or in node_modules' : `GLOVEBOX_NODE (${wanted}) is none`
    }. 'npm install node@${MIN_RUNTIME_MAJOR}' brings one to a project; or install Node ${MIN_RUNTIME_MAJOR}, and set GLOVEBOX_NODE to its path if it is not on PATH`,
  )
}

/** Where npm puts commands of what is installed in the folders that this very file is installed in. They are trusted as it is. */
function besideUs(): readonly string[] {
  const found = [resolve(import.meta.dirname, '../../node_modules')]
  for (let folder = import.meta.dirname; folder !== dirname(folder); folder = dirname(folder))
    if (basename(folder) === 'node_modules') found.push(folder)
  return found.map((folder) => join(folder, '.bin'))
}

function majorOf(path: string): number {
  const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8', timeout: PROBE_TIMEOUT_MS })
  return Number.parseInt((stdout ?? '').slice(1), 10) || 0
}
