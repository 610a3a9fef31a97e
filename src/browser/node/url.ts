/** The realm's own. */
export const { URL, URLSearchParams } = globalThis

export function domainToASCII(domain: string): string {
  return URL.parse(`http://${domain}`)?.hostname ?? ''
}
