/** The members of a URL that can be set one by one. */
export type UrlMember = 'protocol' | 'username' | 'password' | 'host' | 'hostname' | 'port' | 'pathname' | 'search' | 'hash'

/**
 * What the web libraries ask of the worker: primitives in, primitives out. Any call may throw an error of the guest's realm.
 * No object that a guest can get hold of leads to it.
 */
export interface WebHost {
  /** Milliseconds since the Unix epoch at which {@link WebHost.now} was 0. */
  readonly timeOrigin: number
  /** Monotonic milliseconds, as coarse as the worker wants them. */
  now(): number
  /** Fills `target`, at most 65536 bytes of the guest's realm, with cryptographically strong random bytes. */
  randomBytes(target: Uint8Array): void
  /** Calls `callback` once, `ms` (0 to 2^31 - 1) from now at the earliest. */
  setTimeout(callback: () => void, ms: number): void
  /** HOSTILE: what a listener threw. It has nobody else to go to. */
  reportError(error: unknown): void
  /** The serialised form of what the URL parser makes of `input`, or undefined if it fails. An invalid `base` is a failure. */
  parseUrl(input: string, base: string | undefined): string | undefined
  /** `href`, a serialised URL, after its `member` was set to `value`. What the standard ignores changes nothing. */
  updateUrl(href: string, member: UrlMember, value: string): string
}
