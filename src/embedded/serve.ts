import { rmdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { FirstSteps } from '../daemon/first-steps.ts'
import type { DaemonOptions } from '../daemon/options.ts'
import { startEmbedded } from '../daemon/start-daemon.ts'

/** Serves until whoever started this is gone. */
export async function serve(options: DaemonOptions, steps: FirstSteps | undefined): Promise<void> {
  const starting = startEmbedded(options, steps)
  const parentGone = new Promise<void>((resolve) => {
    process.stdin.on('end', resolve)
    process.stdin.on('error', () => resolve())
    process.stdin.resume()
  })
  const daemon = await starting
  process.stdout.write(`${JSON.stringify({ socket: daemon.socket })}\n`)
  process.on('SIGTERM', () => void daemon.stop())
  // Ctrl-C in the client's terminal reaches the whole group: the client decides.
  process.on('SIGINT', () => undefined)
  await Promise.race([parentGone, daemon.stopped])
  await daemon[Symbol.asyncDispose]()
  removeDirectory(daemon.socket)
}

/** The client made it for this daemon alone, and may not have lived to remove it. */
function removeDirectory(socket: string): void {
  try {
    rmdirSync(dirname(socket))
  } catch {
    // The client was faster.
  }
}
