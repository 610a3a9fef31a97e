import type { UrlMember } from './realm/web/host.ts'

const NodeURL = URL

/**
 * Node's URL parser (Ada, https://url.spec.whatwg.org) for the URL class of guests, which keeps a serialised URL as its state: a parser of its own with the tables of
 * internationalised domain names would be half a megabyte of script in each realm. Text in, text out; what it makes on the way never leaves.
 */
export function parseUrl(input: string, base: string | undefined): string | undefined {
  return NodeURL.parse(input, base)?.href
}

/** `href` with its `member` set to `value`, as by the setter of that name. */
export function updateUrl(href: string, member: UrlMember, value: string): string {
  const url = new NodeURL(href)
  url[member] = value
  return url.href
}
