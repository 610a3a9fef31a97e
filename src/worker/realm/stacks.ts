import { method } from '../../protocol/msgpack/intrinsics.ts'
import { fromSourceUrl } from '../../protocol/source-url.ts'
import { define } from '../../protocol/values/define.ts'

const { apply, getOwnPropertyDescriptor } = Reflect
const NativeError = Error
const errorToString = method(Error.prototype, 'toString') as (error: unknown) => string
const includes = method(String.prototype, 'includes') as (text: string, part: string) => boolean
const indexOf = method(String.prototype, 'indexOf') as (text: string, part: string) => number
const slice = method(String.prototype, 'slice') as (text: string, start: number, end?: number) => string
const startsWith = method(String.prototype, 'startsWith') as (text: string, start: string) => boolean

/** Frames that a stack shows, as everywhere in V8, unless the guest sets `Error.stackTraceLimit`. */
const SHOWN_FRAMES = 10
/**
 * Frames that V8 takes. It counts those of the host, some 30 at most, and has those of awaiting functions after them:
 * with a limit of 10 there would be no `at async f`.
 */
const TAKEN_FRAMES = 50
;(NativeError as { stackTraceLimit?: number }).stackTraceLimit = TAKEN_FRAMES

/** What V8 makes of a frame. */
type CallSite = object

/** Its methods, as functions of a site. */
interface SiteMethods {
  readonly text: (site: CallSite) => string
  /** `null` for a built-in, which has no script. */
  readonly script: (site: CallSite) => unknown
  readonly isEval: (site: CallSite) => boolean
  readonly functionName: (site: CallSite) => unknown
  readonly line: (site: CallSite) => number
  readonly column: (site: CallSite) => number
}
let methods: SiteMethods | undefined

/** Formats one stack, so that the methods of CallSite are known before guest code runs. */
export function warmUpStacks(): void {
  void new NativeError('').stack
}

/**
 * The value of an error's `stack`: the guest's frames only. A guest's own `Error.prepareStackTrace` is honoured, as in any V8 realm, and sees the guest's frames only.
 */
export function formatStack(error: unknown, sites: unknown): unknown {
  const entries = { __proto__: null } as unknown as Entries
  const own = guestSites(sites as readonly CallSite[], entries)
  const { prepareStackTrace } = NativeError as { readonly prepareStackTrace?: unknown }
  if (typeof prepareStackTrace === 'function')
    return apply(prepareStackTrace as (error: unknown, sites: unknown) => unknown, NativeError, [error, own])
  const limit = getOwnPropertyDescriptor(NativeError, 'stackTraceLimit')?.value as unknown
  const shown = limit === TAKEN_FRAMES && own.length > SHOWN_FRAMES ? SHOWN_FRAMES : own.length
  let text = headline(error)
  for (let i = 0; i < shown; i++) text += `\n    at ${frameText(methods as SiteMethods, own[i] as CallSite, entries[i] === true)}`
  return text
}

/** Frames that ours called, by their index. */
type Entries = Record<number, true>

/** Without frames of ours and of Node's, and without the built-ins that those called, such as the `Reflect.get` that reads a global. */
function guestSites(all: readonly CallSite[], entries: Entries): readonly CallSite[] {
  const own: CallSite[] = []
  if (all.length === 0) return own
  methods ??= methodsOf(all[0] as CallSite)
  const hides = { __proto__: null } as unknown as Record<number, boolean>
  let calledByUs = false
  for (let i = all.length - 1; i >= 0; i--) {
    const name = methods.script(all[i] as CallSite)
    calledByUs = typeof name === 'string' ? isHiddenName(name) : calledByUs && name === null
    hides[i] = calledByUs
  }
  for (let i = 0; i < all.length; i++) {
    if (hides[i] === true) continue
    if (hides[i + 1] === true) entries[own.length] = true
    define(own, own.length, all[i])
  }
  return own
}

/** Scripts with such names are ours or Node's. */
function isHiddenName(name: string): boolean {
  return startsWith(name, 'glovebox:') || startsWith(name, 'node:')
}

function frameText(site: SiteMethods, frame: CallSite, isEntry: boolean): string {
  const text = site.text(frame)
  if (!site.isEval(frame)) return text
  const script = site.script(frame)
  const name = site.functionName(frame)
  const file = typeof script === 'string' ? fromSourceUrl(script) : '<anonymous>'
  const place = `${file}:${site.line(frame)}:${site.column(frame)}`
  // Code that we evaluated is a script of its own: an input of a `many` run, or `ctx.call('eval', …)`.
  if (isEntry && name === 'eval') return place
  if (typeof script === 'string') return file === script ? text : replaceOnce(text, script, file)
  // V8 says where code was evaluated.
  if (!includes(text, ' (glovebox:') && !includes(text, ' (node:')) return text
  return typeof name === 'string' ? `${name} (${place})` : place
}

function replaceOnce(text: string, part: string, by: string): string {
  const at = indexOf(text, part)
  return at < 0 ? text : slice(text, 0, at) + by + slice(text, at + part.length)
}

function headline(error: unknown): string {
  try {
    return errorToString(error)
  } catch {
    // As V8: a name or message that cannot be turned into text must not hide the frames.
    return '<error>'
  }
}

function methodsOf(site: CallSite): SiteMethods {
  return {
    text: method(site, 'toString') as SiteMethods['text'],
    script: method(site, 'getScriptNameOrSourceURL') as SiteMethods['script'],
    isEval: method(site, 'isEval') as SiteMethods['isEval'],
    functionName: method(site, 'getFunctionName') as SiteMethods['functionName'],
    line: method(site, 'getLineNumber') as SiteMethods['line'],
    column: method(site, 'getColumnNumber') as SiteMethods['column'],
  }
}
