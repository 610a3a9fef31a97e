import { readFileSync } from 'node:fs'

/** How many processes the kernel has killed for want of memory since the machine started: `oom_kill` of /proc/vmstat, proc(5). 0 where it does not say. */
export function machineOomKills(): number {
  try {
    return Number(/^oom_kill (\d+)$/m.exec(readFileSync('/proc/vmstat', 'latin1'))?.[1] ?? 0)
  } catch {
    return 0
  }
}
