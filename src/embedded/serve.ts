import { rmdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { FirstSteps } from '../daemon/first-steps.ts'
import type { DaemonOptions } from '../daemon/options.ts'
import { startEmbedded } from '../daemon/start-daemon.ts'

/** Serves until whoever started this is gone. */
export async function serve(options: DaemonOptions, steps: FirstSteps): Promise<void> {
  const parentGone = new Promise<void>((resolve) => {
    process.stdin.on('end', resolve)
    process.stdin.on('error', () => resolve())
    process.stdin.resume()
  })
  try {
    const daemon = await startEmbedded(options, steps)
    process.stdout.write(`${JSON.stringify({ socket: daemon.socket })}\n`)
    process.on('SIGTERM', () => void daemon.stop())
    // Ctrl-C in the client's terminal reaches the whole group: the client decides.
    process.on('SIGINT', () => undefined)
    await Promise.race([parentGone, daemon.stopped])
    await daemon[Symbol.asyncDispose]()
    removeDirectory(daemon.socket)
    process.exit(0)
  } catch (error) {
    const { code = 'ERR_INTERNAL', message } = error as Error & { code?: string }
    process.stdout.write(`${JSON.stringify({ code, message })}\n`, () => process.exit(1))
  }
}

/** The client made it for this daemon alone, and may not have lived to remove it. */
function removeDirectory(socket: string): void {
  try {
    rmdirSync(dirname(socket))
  } catch {
    // The client was faster.
  }
}
