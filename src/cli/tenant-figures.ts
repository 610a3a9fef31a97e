import { formatMs } from './quantity.ts'

/** A worker that takes no more is seen to. */
export function stateOf(state: string, draining: boolean | undefined): string {
  return draining === true ? `${state}, draining` : state
}

/** A tenant's processor time in the last minute, and its limit if it has one. */
export function cpuOfMinute(cpu: { readonly usedMs: number; readonly limitMs?: number } | undefined): string {
  if (cpu === undefined) return '-'
  return cpu.limitMs === undefined ? formatMs(cpu.usedMs) : `${formatMs(cpu.usedMs)} of ${formatMs(cpu.limitMs)}`
}
