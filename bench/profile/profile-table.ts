import Table from 'cli-table3'
import { number } from '../cells.ts'
import type { Profile } from './profile.ts'
import type { SystemCalls } from './system-calls.ts'

/** Rarer ones come from what goes on beside the runs. */
const LEAST_CALLS = 0.01

/** For a terminal. */
export function profileTable({ title, shares }: Profile): string {
  const head = [title, 'user µs', 'kernel µs', 'allocated bytes', 'system calls']
  const table = new Table({ head, colAligns: ['left', 'right', 'right', 'right', 'left'], style: { head: [], border: [] } })
  for (const { role, userUs, systemUs, allocatedBytes, calls } of shares)
    table.push([role, number(userUs), number(systemUs), allocatedBytes === undefined ? '' : Math.round(allocatedBytes), callsText(calls)])
  return `${table.toString()}\nper run`
}

function callsText(calls: SystemCalls | undefined): string {
  if (calls === undefined) return 'needs strace'
  return [...calls]
    .filter(([, count]) => count >= LEAST_CALLS)
    .toSorted(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name} ${number(count)}`)
    .join('\n')
}
