import { type FirstSteps, takeFirstSteps } from '../daemon/first-steps.ts'
import type { DaemonOptions } from '../daemon/options.ts'

/** Options that change nothing of what a daemon begins with. */
const PLAIN_OPTIONS = ['socket', 'logLevel']

/**
 * The program of an embedded daemon: a child process of the client that started it. argv: the options as JSON. Writes one line to standard output, `{"socket": …}` or
 * `{"code": …, "message": …}`, and lives until standard input ends: the client holds the other end, however it dies.
 */
async function main(): Promise<void> {
  try {
    const options = JSON.parse(process.argv[2] ?? '{}') as DaemonOptions
    const steps = firstStepsFor(options)
    // Only now is the rest of the program run.
    const { serve } = await import('./serve.ts')
    await serve(options, steps)
    process.exit(0)
  } catch (error) {
    const { code = 'ERR_INTERNAL', message } = error as Error & { code?: string }
    process.stdout.write(`${JSON.stringify({ code, message })}\n`, () => process.exit(1))
  }
}

function firstStepsFor(options: DaemonOptions): FirstSteps | undefined {
  const isPlain = Object.keys(options).every((name) => PLAIN_OPTIONS.includes(name))
  return isPlain && typeof options.socket === 'string' ? takeFirstSteps(options.socket) : undefined
}

void main()
