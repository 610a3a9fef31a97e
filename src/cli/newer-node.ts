import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { findRuntime } from '../client/runtime.ts'

/** Signals that ask a command to end: it decides. */
const PASSED_ON = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
/** Added to the number of a signal that ended the command, as shells have it. */
const BY_SIGNAL = 128

/**
 * Runs the command again on a Node that is new enough, and resolves with its exit code. Loaded by an older Node.
 * @throws ConnectionError `ERR_NO_RUNTIME`
 */
export async function runOnNewerNode(args: readonly string[]): Promise<number> {
  const child = spawn(findRuntime('the command'), args, { stdio: 'inherit' })
  for (const signal of PASSED_ON) process.on(signal, () => child.kill(signal))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve(code ?? BY_SIGNAL + constants.signals[signal as NodeJS.Signals]))
  })
}
