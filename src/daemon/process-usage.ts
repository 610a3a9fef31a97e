import { readFileSync } from 'node:fs'

/** What the kernel says of a process: proc(5). */
export interface ProcessUsage {
  readonly cpuMs: number
  /** Resident now, without pages of files: those are shared with other processes of the same program, and the kernel can drop them. */
  readonly rssBytes: number
  readonly peakRssBytes: number
}

/** Clock ticks of /proc: USER_HZ, 100 on every Linux that Node runs on. */
const MS_PER_TICK = 10

export function readProcessUsage(pid: number): ProcessUsage | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The second field is the program's name in parentheses, and may contain anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const memory = /^VmHWM:\s+(\d+) kB\nVmRSS:\s+\d+ kB\nRssAnon:\s+(\d+) kB\nRssFile:\s+\d+ kB\nRssShmem:\s+(\d+) kB$/m.exec(
      readFileSync(`/proc/${pid}/status`, 'latin1'),
    )
    // A process that is dying has given its memory back: what was read before is what counts.
    if (memory === null) return undefined
    return {
      cpuMs: (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK,
      rssBytes: (Number(memory[2]) + Number(memory[3])) * 1024,
      peakRssBytes: Number(memory[1]) * 1024,
    }
  } catch {
    return undefined
  }
}

/** Private writable memory of a process, as RLIMIT_DATA counts it (VmData), in bytes. */
export function readDataBytes(pid: number): number | undefined {
  try {
    const found = /^VmData:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))
    return found === null ? undefined : Number(found[1]) * 1024
  } catch {
    return undefined
  }
}
