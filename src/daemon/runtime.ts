import { spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { DaemonError } from './daemon-error.ts'

const MIN_MAJOR = 26
const PROBE_TIMEOUT_MS = 10_000

/** The Node binary that workers run on. */
export interface Runtime {
  readonly path: string
  readonly node: string
  readonly v8: string
  /** When the file was put there: an old one lacks V8's fixes since. */
  readonly installedAt: Date
}

/** Asks a Node binary for its versions. Throws ERR_RUNTIME if it is none, or too old. */
export function examineRuntime(path: string = process.execPath): Runtime {
  const { node, v8 } = path === process.execPath ? process.versions : versionsOf(path)
  if (!(Number.parseInt(node, 10) >= MIN_MAJOR)) {
    throw new DaemonError('ERR_RUNTIME', `workers need Node ${MIN_MAJOR} or later; ${path} is Node ${node}`)
  }
  return { path, node, v8, installedAt: statSync(path).ctime }
}

function versionsOf(path: string): { readonly node: string; readonly v8: string } {
  const { status, stdout, error } = spawnSync(path, ['-p', 'JSON.stringify(process.versions)'], {
    encoding: 'utf8',
    timeout: PROBE_TIMEOUT_MS,
    env: {},
  })
  try {
    if (status === 0) return JSON.parse(stdout) as { readonly node: string; readonly v8: string }
  } catch {
    // It printed something else.
  }
  throw new DaemonError('ERR_RUNTIME', `${path} is not a Node binary that runs here${error === undefined ? '' : `: ${error.message}`}`)
}
