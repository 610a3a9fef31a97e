import { readFileSync } from 'node:fs'
import { childrenOf } from '../../test/support/processes.ts'

/** Linux tells processor time in these: sysconf(_SC_CLK_TCK), 100 a second wherever Node runs. */
const TICK_MS = 10
/** Fields of /proc/PID/stat after the name, from 0: proc_pid_stat(5). */
const UTIME = 11
const STIME = 12

export interface ProcessorTime {
  readonly userMs: number
  readonly systemMs: number
}

/** Who has a part in a run. */
export interface Roles {
  readonly client: number
  readonly daemon: number
  readonly worker: number
}

export function processorTime(pid: number): ProcessorTime {
  const fields = statOf(pid)
  return { userMs: Number(fields[UTIME]) * TICK_MS, systemMs: Number(fields[STIME]) * TICK_MS }
}

/** The daemon that a client embeds, and the worker that has computed most; what stands between them, as bubblewrap does, has no part. */
export function rolesOf(client: number): Roles {
  const [daemon] = childrenOf(client).filter((pid) => commandOf(pid).includes('embedded'))
  if (daemon === undefined) throw new Error('the client has no daemon of its own')
  const workers = descendantsOf(daemon).toSorted((a, b) => usedMs(b) - usedMs(a))
  const [worker] = workers
  if (worker === undefined) throw new Error('the daemon has no worker')
  return { client, daemon, worker }
}

function usedMs(pid: number): number {
  const { userMs, systemMs } = processorTime(pid)
  return userMs + systemMs
}

function descendantsOf(pid: number): readonly number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)])
}

function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
}

/** What follows the name, which may have spaces and brackets of its own. */
function statOf(pid: number): readonly string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}
