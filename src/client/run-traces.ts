import type { Evidence } from '../protocol/evidence-message.ts'
import type { GuestPlace, Report } from '../protocol/report.ts'
import type { HostFrame } from './reentrance.ts'

/** What a channel keeps of a call, to tell what is known of it should it fail. */
export interface Traces {
  /** Bytes that had come from the worker when the call left. */
  readonly receivedBefore: number
  /** The host function that it called last. */
  lastCall: HostFrame | undefined
  /** What the worker has just said of it. */
  evidence: Evidence | undefined
}

/** What a failed run's report says besides what its worker or the daemon knows. */
export interface RunFacts {
  /** Whether it waits for a host function. */
  readonly isInHostCall: boolean
  readonly hostCall: string | undefined
  readonly bytesOut: number
  readonly at: GuestPlace | undefined
  readonly peakRssBytes: number
}

/**
 * @param received bytes that have come from the worker by now
 * @param functionName the name of a function of the host's by its number
 */
export function factsOf(
  { receivedBefore, lastCall, evidence }: Traces,
  received: number,
  functionName: (fn: number) => string | undefined,
): RunFacts {
  const name = lastCall === undefined ? undefined : functionName(lastCall.fn)
  return {
    isInHostCall: lastCall?.isOver === false,
    hostCall: lastCall === undefined ? undefined : name === undefined || name === '' ? `#${lastCall.fn}` : name,
    bytesOut: received - receivedBefore,
    at: evidence?.at,
    peakRssBytes: evidence?.peakRssBytes ?? 0,
  }
}

/** A report with what is known here. */
export function withFacts(report: Report, { hostCall, bytesOut, at, peakRssBytes }: RunFacts): Report {
  return { ...report, hostCall, bytesOut, at, peakRssBytes: Math.max(report.peakRssBytes, peakRssBytes) }
}

/** As a frame of a stack has it. HOSTILE: the guest names its functions; nothing of that breaks the line. */
export function placeText({ functionName, file, line, column }: GuestPlace): string {
  const place = `${file}:${line}:${column}`
  return (functionName === undefined ? place : `${functionName} (${place})`).replace(/\p{C}/gu, '?')
}
