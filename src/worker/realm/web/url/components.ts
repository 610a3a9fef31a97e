import { indexOf, lastIndexOf, slice } from '../captured.ts'

/** Where the parts of a serialised URL begin and end, https://url.spec.whatwg.org/#concept-url-serializer. */
export class Components {
  readonly #href: string
  readonly #schemeEnd: number
  /** Whether there is a host, though it may be empty: `file:///`. */
  readonly #hasHost: boolean
  readonly #usernameEnd: number
  readonly #passwordEnd: number
  readonly #hostStart: number
  readonly #hostnameEnd: number
  readonly #hostEnd: number
  readonly #pathStart: number
  readonly #queryStart: number
  readonly #fragmentStart: number

  constructor(href: string) {
    const end = href.length
    const fragment = indexOf(href, '#')
    const fragmentStart = fragment < 0 ? end : fragment
    const query = indexOf(href, '?')
    const queryStart = query < 0 || query > fragmentStart ? fragmentStart : query
    const schemeEnd = indexOf(href, ':') + 1
    const hasHost = href[schemeEnd] === '/' && href[schemeEnd + 1] === '/'
    let start = schemeEnd
    let usernameEnd = start
    let passwordEnd = start
    let hostnameEnd = start
    let hostEnd = start
    if (hasHost) {
      start += 2
      const slash = indexOf(href, '/', start)
      hostEnd = slash < 0 || slash > queryStart ? queryStart : slash
      const authority = slice(href, start, hostEnd)
      // Both signs are percent-encoded in a user name or password.
      const at = lastIndexOf(authority, '@')
      const colon = at < 0 ? -1 : indexOf(authority, ':')
      usernameEnd = at < 0 ? start : start + (colon >= 0 && colon < at ? colon : at)
      passwordEnd = at < 0 ? start : start + at
      const hostStart = at < 0 ? start : start + at + 1
      const port = lastIndexOf(authority, ':')
      // A colon inside brackets belongs to an IPv6 address.
      hostnameEnd = port > at && port > lastIndexOf(authority, ']') ? start + port : hostEnd
      this.#hostStart = hostStart
    } else this.#hostStart = start
    this.#href = href
    this.#schemeEnd = schemeEnd
    this.#hasHost = hasHost
    this.#usernameEnd = usernameEnd
    this.#passwordEnd = passwordEnd
    this.#hostnameEnd = hostnameEnd
    this.#hostEnd = hostEnd
    // Without a host, '/.' keeps a path that begins with '//' from looking like one.
    this.#pathStart = !hasHost && slice(href, schemeEnd, schemeEnd + 4) === '/.//' ? schemeEnd + 2 : hostEnd
    this.#queryStart = queryStart
    this.#fragmentStart = fragmentStart
  }

  get protocol(): string {
    return slice(this.#href, 0, this.#schemeEnd)
  }
  get username(): string {
    return this.#hasHost ? slice(this.#href, this.#schemeEnd + 2, this.#usernameEnd) : ''
  }
  get password(): string {
    return this.#passwordEnd > this.#usernameEnd ? slice(this.#href, this.#usernameEnd + 1, this.#passwordEnd) : ''
  }
  get host(): string {
    return slice(this.#href, this.#hostStart, this.#hostEnd)
  }
  get hostname(): string {
    return slice(this.#href, this.#hostStart, this.#hostnameEnd)
  }
  get port(): string {
    return this.#hostnameEnd < this.#hostEnd ? slice(this.#href, this.#hostnameEnd + 1, this.#hostEnd) : ''
  }
  get pathname(): string {
    return slice(this.#href, this.#pathStart, this.#queryStart)
  }
  /** With its question mark; empty also for an empty query. */
  get search(): string {
    return this.#fragmentStart - this.#queryStart > 1 ? slice(this.#href, this.#queryStart, this.#fragmentStart) : ''
  }
  get hash(): string {
    return this.#href.length - this.#fragmentStart > 1 ? slice(this.#href, this.#fragmentStart) : ''
  }
}
