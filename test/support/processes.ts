import { readdirSync, readFileSync } from 'node:fs'
import { eventually } from './eventually.ts'

interface ProcessEntry {
  readonly pid: number
  readonly parent: number
  readonly state: string
}

/** One line of proc(5). The program's name stands in parentheses and may contain anything. */
function entryOf(pid: number): ProcessEntry | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const [state = '', parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { pid, state, parent: Number(parent) }
  } catch {
    return undefined
  }
}

/** Whether the process lives. A zombie does not. */
export function lives(pid: number): boolean {
  const entry = entryOf(pid)
  return entry !== undefined && entry.state !== 'Z' && entry.state !== 'X'
}

/** The living children of a process. */
export function childrenOf(parent: number): number[] {
  const children: number[] = []
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const entry = entryOf(Number(name))
    if (entry?.parent === parent && entry.state !== 'Z') children.push(entry.pid)
  }
  return children
}

/** The living processes with this text in their command line. */
export function commandsWith(text: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && lives(Number(name)))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text)
      } catch {
        return false
      }
    })
}

export async function gone(pids: readonly number[], withinMs?: number): Promise<void> {
  await eventually(`the end of ${pids.join(', ')}`, () => pids.every((pid) => !lives(pid)), withinMs)
}
