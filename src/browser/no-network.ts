/** What everything says that would have to load something. */
export function noNetwork(what: string): TypeError {
  return new TypeError(`${what} is not available: this browser context has no network`)
}

/** In the place of whatever module reaches outside: to construct it says that there is no outside. */
export default function Unavailable(): never {
  throw noNetwork('Loading')
}
