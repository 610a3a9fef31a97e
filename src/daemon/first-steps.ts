import { refuseIoUring } from './io-uring-filter.ts'
import type { DaemonOptions } from './options.ts'
import { type Probed, probeSandbox } from './sandbox/probe.ts'

/** What a daemon may begin with before it knows all of its options. */
export interface FirstSteps {
  /** The sandbox as it is by default, if it is to be tried out. */
  readonly probed: Promise<Probed> | undefined
}

/** For whoever has more to load: meanwhile the sandbox is tried out, on another processor. */
export function takeFirstSteps({ runtime, confinement }: DaemonOptions): FirstSteps {
  // Before anything is started, which inherits it.
  refuseIoUring()
  return { probed: runtime === undefined && confinement !== 'process' ? probeSandbox(process.execPath) : undefined }
}
