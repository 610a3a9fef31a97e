import { ownErrorText } from './own-error.ts'

/** What sysexits(3) calls an internal error. */
const EXIT_INTERNAL = 70

// Not process.exit(), which runs exit handlers of Node's: nothing needs them, and a guest may have a hand in what they touch.
const ends = process as unknown as { reallyExit(code: number): never; _rawDebug(text: string): void }

/** Ends this process here and now. */
export const exit = (code: number): never => ends.reallyExit(code)

/** Ends this process at the first error that nobody caught, with its stack as the last words that the daemon reads. */
export function endAtUncaughtErrors(): void {
  process.setUncaughtExceptionCaptureCallback((error) => {
    ends._rawDebug(ownErrorText(error) ?? "an uncaught error that is not the process's own")
    exit(EXIT_INTERNAL)
  })
}
