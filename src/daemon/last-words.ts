import type { Readable } from 'node:stream'
import { RateCap } from './rate-cap.ts'

/** Bytes of standard error that are kept: V8's fatal messages end with a stack of this size at most. */
const KEPT_BYTES = 8 * 1024
/** Characters of a line in a report. */
const MAX_LINE = 300

/** What V8 and Node say before they give up, the most telling first. A size that V8 does not have comes after a headline that says nothing. */
const SAYS_MOST = [/Fatal JavaScript/, /^\w*Error\b|fatal error|assertion/i]

/** Keeps the end of what a worker writes to standard error. HOSTILE: a guest that owns the worker may write anything, for ever. */
export class LastWords {
  #tail = Buffer.alloc(0)

  /** @param flooded called when more than `maxPerSecond` bytes come in a second: reading them would be the daemon's work */
  constructor(stderr: Readable, maxPerSecond: number, flooded: () => void) {
    const rate = new RateCap(maxPerSecond)
    stderr.on('data', (chunk: Buffer) => {
      if (rate.exceeded(chunk.length)) flooded()
      this.#tail = Buffer.concat([this.#tail, chunk]).subarray(-KEPT_BYTES)
    })
    stderr.on('error', () => undefined)
  }

  /** The line that says most: V8's or Node's fatal message if there is one, or else the last. Printable characters only. */
  line(): string | undefined {
    const lines = this.#tail
      .toString('latin1')
      .replace(/[^\x20-\x7e\n]/g, '?')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
    const found = SAYS_MOST.map((pattern) => lines.find((line) => pattern.test(line))).find((line) => line !== undefined)
    return (found ?? lines.at(-1))?.slice(0, MAX_LINE)
  }
}
