import { readdirSync } from 'node:fs'
import { setPriority } from 'node:os'

/** Makes every thread that a process has by now nicer (nice(2)); those that they start inherit it. What is gone already is let be. */
export function makeNice(pid: number, niceness: number): void {
  try {
    // Linux keeps it for each thread, whatever the standard says.
    for (const thread of readdirSync(`/proc/${pid}/task`)) setPriority(Number(thread), niceness)
  } catch {
    // It is dying, or this machine hides its processes: it is then as important as others.
  }
}
