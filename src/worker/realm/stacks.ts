const { apply } = Reflect
const NativeError = Error
const errorToString = Error.prototype.toString
const { startsWith } = String.prototype

interface CallSite {
  toString(): string
  getScriptNameOrSourceURL(): unknown
}

/** Scripts with these names are ours or Node's: a guest sees neither. */
const HIDDEN_PREFIXES = { own: 'glovebox:', node: 'node:' } as const

/** CallSite methods, taken from the first CallSite that this realm makes: {@link warmUpStacks} sees to it that no guest was there before. */
let siteName: (() => unknown) | undefined
let siteText: (() => string) | undefined

/** Formats one stack, so that the methods of CallSite are known before guest code runs. */
export function warmUpStacks(): void {
  void new NativeError('').stack
}

/**
 * The value of an error's `stack`: the guest's frames only. A guest's own `Error.prepareStackTrace` is honoured, as in any V8 realm, and sees the guest's frames only.
 */
export function formatStack(error: unknown, sites: unknown): unknown {
  const all = sites as readonly CallSite[]
  const own: CallSite[] = []
  let kept = 0
  if (siteName === undefined && all.length > 0) {
    siteName = (all[0] as CallSite).getScriptNameOrSourceURL
    siteText = (all[0] as CallSite).toString
  }
  for (let i = 0; i < all.length; i++) {
    const site = all[i] as CallSite
    if (!isHidden(site)) own[kept++] = site
  }
  const prepare = (NativeError as { readonly prepareStackTrace?: unknown }).prepareStackTrace
  if (typeof prepare === 'function') return apply(prepare as (error: unknown, sites: unknown) => unknown, NativeError, [error, own])
  let text = headline(error)
  for (let i = 0; i < kept; i++) text += `\n    at ${siteText === undefined ? '' : apply(siteText, own[i], [])}`
  return text
}

function isHidden(site: CallSite): boolean {
  if (siteName === undefined) return false
  const name = apply(siteName, site, [])
  if (typeof name !== 'string') return false
  return apply(startsWith, name, [HIDDEN_PREFIXES.own]) || apply(startsWith, name, [HIDDEN_PREFIXES.node])
}

function headline(error: unknown): string {
  try {
    return apply(errorToString, error, [])
  } catch {
    // As V8: a name or message that cannot be turned into text must not hide the frames.
    return '<error>'
  }
}
