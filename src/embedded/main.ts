import type { DaemonOptions } from '../daemon/options.ts'
import { takeFirstSteps } from '../daemon/first-steps.ts'

/**
 * The program of an embedded daemon: a child process of the client that started it. argv: the options as JSON. Writes one line to standard output, `{"socket": …}` or
 * `{"code": …, "message": …}`, and lives until standard input ends: the client holds the other end, however it dies.
 */
const options = JSON.parse(process.argv[2] ?? '{}') as DaemonOptions

// What takes long and needs little, before the rest of the program is run.
const steps = takeFirstSteps(options)

void import('./serve.ts').then(async ({ serve }) => serve(options, steps))
