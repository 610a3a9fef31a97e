/** A scheme of two letters or more: `C:` is a drive. */
const URL_LIKE = /^[a-z][a-z0-9+.-]+:/i
const RELATIVE = /^\.{1,2}(?:\/|$)/

/**
 * The key of a module: what names it within a context. `./x` and `../x` are relative to the key of the module that asks, URLs go by the rules of URLs, and any other specifier is a key itself. `./a.mjs` and `a.mjs` are the
 * same.
 *
 * @param referrer '' for none
 */
export function resolveKey(specifier: string, referrer: string): string {
  if (URL_LIKE.test(specifier)) return parsed(specifier, undefined) ?? specifier
  const isUrl = URL_LIKE.test(referrer)
  if (specifier.startsWith('/')) return (isUrl ? parsed(specifier, referrer) : undefined) ?? joined('', specifier)
  if (!RELATIVE.test(specifier)) return specifier
  if (isUrl) return parsed(specifier, referrer) ?? specifier
  return joined(referrer.slice(0, referrer.lastIndexOf('/') + 1), specifier)
}

/** The key that a user writes as the name of a module. */
export function normalisedKey(name: string): string {
  return resolveKey(name, '')
}

function parsed(specifier: string, base: string | undefined): string | undefined {
  return URL.parse(specifier, base)?.href
}

/** The path without `.`, and without `..` but at the start. */
function joined(folder: string, path: string): string {
  const whole = folder + path
  const parts: string[] = []
  for (const part of whole.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.length > 0 && parts.at(-1) !== '..') parts.pop()
    else if (!whole.startsWith('/')) parts.push('..')
  }
  return (whole.startsWith('/') ? '/' : '') + parts.join('/')
}
