import { slice } from '../captured.ts'
import { host } from '../context.ts'
import type { UrlMember } from '../host.ts'
import { defineInterface, requireArguments, toUSVString } from '../idl.ts'
import { Components } from './components.ts'
import { paramsOf, replacePairs, type URLSearchParams } from './url-search-params.ts'

/** Given to the constructor by this module only: what follows is serialised already. */
const parsed = {}

/** https://url.spec.whatwg.org/#api. The worker's own parser does the work; the state is the serialised URL. */
export class URL {
  #href: string
  /** Of {@link URL.#href}, once a part was asked for. */
  #components: Components | undefined
  #searchParams: URLSearchParams | undefined

  constructor(url: unknown, base: unknown = undefined) {
    requireArguments(arguments.length, 1, 'URL constructor')
    this.#href = base === parsed ? (url as string) : parse(url, base)
  }

  static parse(url: unknown, base: unknown = undefined): URL | null {
    requireArguments(arguments.length, 1, 'URL.parse')
    const href = tryParse(url, base)
    return href === undefined ? null : new URL(href, parsed)
  }

  static canParse(url: unknown, base: unknown = undefined): boolean {
    requireArguments(arguments.length, 1, 'URL.canParse')
    return tryParse(url, base) !== undefined
  }

  get href(): string {
    return this.#href
  }
  set href(value: unknown) {
    void this.#href
    this.#replace(parse(value, undefined))
  }

  get origin(): string {
    const { protocol, host: authority, pathname } = this.#parts()
    switch (protocol) {
      case 'http:':
      case 'https:':
      case 'ws:':
      case 'wss:':
      case 'ftp:':
        return `${protocol}//${authority}`
      case 'blob:':
        return originOfBlob(pathname)
      default:
        return 'null'
    }
  }

  get protocol(): string {
    return this.#parts().protocol
  }
  set protocol(value: unknown) {
    this.#set('protocol', value)
  }
  get username(): string {
    return this.#parts().username
  }
  set username(value: unknown) {
    this.#set('username', value)
  }
  get password(): string {
    return this.#parts().password
  }
  set password(value: unknown) {
    this.#set('password', value)
  }
  get host(): string {
    return this.#parts().host
  }
  set host(value: unknown) {
    this.#set('host', value)
  }
  get hostname(): string {
    return this.#parts().hostname
  }
  set hostname(value: unknown) {
    this.#set('hostname', value)
  }
  get port(): string {
    return this.#parts().port
  }
  set port(value: unknown) {
    this.#set('port', value)
  }
  get pathname(): string {
    return this.#parts().pathname
  }
  set pathname(value: unknown) {
    this.#set('pathname', value)
  }
  get search(): string {
    return this.#parts().search
  }
  set search(value: unknown) {
    this.#set('search', value)
    this.#refreshParams()
  }
  get searchParams(): URLSearchParams {
    this.#searchParams ??= paramsOf(slice(this.#parts().search, 1), (query) => this.#set('search', query))
    return this.#searchParams
  }
  get hash(): string {
    return this.#parts().hash
  }
  set hash(value: unknown) {
    this.#set('hash', value)
  }

  toString(): string {
    return this.#href
  }
  toJSON(): string {
    return this.#href
  }

  #parts(): Components {
    this.#components ??= new Components(this.#href)
    return this.#components
  }

  #set(member: UrlMember, value: unknown): void {
    void this.#href
    const text = toUSVString(value)
    const href = host.updateUrl(this.#href, member, text)
    if (href === this.#href) return
    this.#href = href
    this.#components = undefined
  }

  #replace(href: string): void {
    this.#href = href
    this.#components = undefined
    this.#refreshParams()
  }

  #refreshParams(): void {
    if (this.#searchParams !== undefined) replacePairs(this.#searchParams, slice(this.#parts().search, 1))
  }
}

defineInterface(URL, 'URL')

function tryParse(url: unknown, base: unknown): string | undefined {
  const input = toUSVString(url)
  return host.parseUrl(input, base === undefined ? undefined : toUSVString(base))
}

function parse(url: unknown, base: unknown): string {
  const href = tryParse(url, base)
  if (href === undefined) throw new TypeError('Invalid URL')
  return href
}

/** The origin of the URL that a blob's path is, if that is one of the web. */
function originOfBlob(pathname: string): string {
  const href = host.parseUrl(pathname, undefined)
  if (href === undefined) return 'null'
  const { protocol, host: authority } = new Components(href)
  return protocol === 'http:' || protocol === 'https:' ? `${protocol}//${authority}` : 'null'
}
