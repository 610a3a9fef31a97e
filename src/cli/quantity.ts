import { InvalidArgumentError } from 'commander'
import { bytesOf } from '../daemon/config/bytes.ts'

const UNITS = ['', 'K', 'M', 'G'] as const
const STEP = 1024

/** Reads a whole number; what range it must be in is for its option to say. */
export function parseWhole(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.')
  return Number(text)
}

/** Reads an amount of memory, as `serve` and its configuration do. */
export function parseBytes(text: string): number {
  const bytes = bytesOf(text)
  if (Number.isNaN(bytes)) throw new InvalidArgumentError("It must be a number of bytes, or such a text as '256M'.")
  return bytes
}

/** Bytes for people: `73 MiB`. */
export function formatBytes(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), UNITS.length - 1)
  const amount = bytes / STEP ** power
  return `${power === 0 || amount >= 10 ? Math.round(amount) : amount.toFixed(1)} ${power === 0 ? 'B' : `${UNITS[power]}iB`}`
}

/** A time for people: `12 ms`, `3.4 s`, `5 min`, `2.5 h`. */
export function formatMs(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`
  return `${(ms / 3_600_000).toFixed(1)} h`
}
