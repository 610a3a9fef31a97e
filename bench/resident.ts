import { readFileSync } from 'node:fs'

/** Resident memory of a process, in bytes; with the pages that it shares with others, or `anonymous` only, which are its own. */
export function residentBytes(pid: number | 'self', kind: 'all' | 'anonymous'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const kibibytes = new RegExp(`^${kind === 'all' ? 'VmRSS' : 'RssAnon'}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]
  if (kibibytes === undefined) throw new Error(`the kernel does not tell the memory of process ${pid}`)
  return Number(kibibytes) * 1_024
}
