import { floor } from '../../protocol/msgpack/intrinsics.ts'
import { toFixed } from './inspect/intrinsics.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** Milliseconds as `12ms`, `1.500s`, `1:02.500 (m:ss.mmm)` or `1:02:03.500 (h:mm:ss.mmm)`. */
export function formatDuration(ms: number): string {
  if (ms < SECOND) return `${ms}ms`
  if (ms < MINUTE) return `${toFixed(ms / SECOND, 3)}s`
  const seconds = padded(toFixed((ms % MINUTE) / SECOND, 3), 6)
  const minutes = `${floor((ms % HOUR) / MINUTE)}`
  if (ms < HOUR) return `${minutes}:${seconds} (m:ss.mmm)`
  return `${floor(ms / HOUR)}:${padded(minutes, 2)}:${seconds} (h:mm:ss.mmm)`
}

const padded = (text: string, length: number): string => (text.length < length ? `0${text}` : text)
