import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'

/** Makes every thread that a process has by now nicer (nice(2)); those that they start inherit it. What is gone already is let be. */
export function makeNice(pid: number, niceness: number): void {
  try {
    // Linux keeps it for each thread, whatever the standard says.
    for (const thread of readdirSync(`/proc/${pid}/task`)) setPriority(Number(thread), niceness)
    makeSessionNice(pid, niceness)
  } catch {
    // It is dying, or this machine hides its processes: it is then as important as others.
  }
}

/** Linux may share processors out among sessions first (autogroup, see sched(7)): the niceness of threads counts within one only, and each process of the pool has one of its own. */
function makeSessionNice(pid: number, niceness: number): void {
  const file = `/proc/${pid}/autogroup`
  // Never this daemon's session, and whatever else runs in it.
  if (groupIn(file) !== groupIn('/proc/self/autogroup')) writeFileSync(file, `${niceness}`)
}

/** `/autogroup-7 nice 0` without what may change. */
function groupIn(file: string): string | undefined {
  return readFileSync(file, 'utf8').split(' ', 1)[0]
}
