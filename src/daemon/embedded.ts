import { rmdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { startDaemon } from './start-daemon.ts'
import type { DaemonOptions } from './options.ts'

/**
 * The program of an embedded daemon: a child process of the client that started it. argv: the options as JSON. Writes one line to standard output, `{"socket": …}` or
 * `{"code": …, "message": …}`, and lives until standard input ends: the client holds the other end, however it dies.
 */
const [options] = process.argv.slice(2)

process.stdin.resume()
const parentGone = new Promise<void>((resolve) => {
  process.stdin.on('end', resolve)
  process.stdin.on('error', () => resolve())
})

/** The client made it for this daemon alone, and may not have lived to remove it. */
function removeDirectory(socket: string): void {
  try {
    rmdirSync(dirname(socket))
  } catch {
    // The client was faster.
  }
}

try {
  const daemon = await startDaemon(JSON.parse(options ?? '{}') as DaemonOptions)
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
