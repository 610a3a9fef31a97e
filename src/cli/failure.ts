import { inspect, styleText } from 'node:util'
import { GloveboxError, GuestError, ReportedError } from '../client/index.ts'
import { EXIT, exitCodeOf } from './exit-codes.ts'
import { nextStep } from './next-step.ts'
import { hasColours, printable } from './printable.ts'

/** A failure of a command that has figures to tell with it, in its line of JSON. */
export class FailureWithFigures extends Error {
  readonly failure: Error
  readonly figures: Readonly<Record<string, unknown>>

  constructor(failure: Error, figures: Readonly<Record<string, unknown>>) {
    super(failure.message)
    this.failure = failure
    this.figures = figures
  }
}

/** What a person reads on standard error when a command failed. A guest's error looks as it would in a REPL, with the guest's frames. */
export function describeFailure(error: unknown): string {
  if (error instanceof GuestError) return `Uncaught ${describeThrown(error)}`
  if (!(error instanceof Error)) return `glovebox: ${printable(String(error), false)}`
  if (exitCodeOf(error) === EXIT.internal) return `glovebox: internal error: ${printable(error.stack ?? error.message, false)}`
  const label = styleText('red', 'glovebox:', { stream: process.stderr })
  const code = error instanceof GloveboxError ? ` [${error.code}]` : ''
  const next = nextStep(error)
  return `${label} ${printable(error.message, false)}${code}${evidence(error)}${next === undefined ? '' : `\n  ${next}`}`
}

/** The same for programs. */
export function failureToJson(error: unknown): Record<string, unknown> {
  const exitCode = exitCodeOf(error)
  if (!(error instanceof Error)) return { exitCode, message: String(error) }
  if (error instanceof GuestError) return { exitCode, code: 'ERR_GUEST', ...textsOf(error) }
  const code = error instanceof GloveboxError ? error.code : undefined
  const report = error instanceof ReportedError ? error.report : undefined
  return { exitCode, code, name: error.name, message: error.message, report, hint: nextStep(error) }
}

function describeThrown(error: GuestError): string {
  const colors = hasColours(process.stderr)
  const show = (value: unknown): string => inspect(value, { colors, customInspect: false })
  if (Object.hasOwn(error, 'value') && error.value !== undefined) return printable(show(error.value), colors)
  const { name, message, stack } = textsOf(error)
  const more = ownProperties(error)
  return printable(`${stack ?? `${name}: ${message}`}${Object.keys(more).length === 0 ? '' : ` ${show(more)}`}`, colors)
}

/** HOSTILE: a guest may give its error a name or a stack that is no text, and cannot even be turned into text. */
function textsOf(error: GuestError): { readonly name: string; readonly message: string; readonly stack: string | undefined } {
  const text = (value: unknown): string => (typeof value === 'string' ? value : inspect(value, { customInspect: false }))
  return { name: text(error.name), message: text(error.message), stack: error.stack === undefined ? undefined : text(error.stack) }
}

/** What the guest's error has besides its stack, without what our class adds. */
function ownProperties(error: GuestError): Record<string, unknown> {
  const more: Record<string, unknown> = Object.fromEntries(Object.entries(error))
  delete more['value']
  if (more['code'] === 'ERR_GUEST') delete more['code']
  for (const name of ['cause', 'errors'] as const) if (Object.hasOwn(error, name)) more[name] = error[name as keyof GuestError]
  return more
}

function evidence(error: Error): string {
  const report = error instanceof ReportedError ? error.report : undefined
  // What was refused before it had a worker has no times.
  if (report === undefined || report.worker === 0) return ''
  const { wallMs, cpuMs } = report
  const text = `\n  worker ${report.worker}, ${Math.round(wallMs)} ms, of which ${Math.round(cpuMs)} ms computing`
  return styleText('dim', text, { stream: process.stderr })
}
