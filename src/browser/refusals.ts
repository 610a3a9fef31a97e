import { noNetwork } from './no-network.ts'

/** What would load something says that it cannot. */
export function refuseToLoad(window: object): void {
  const define = (name: string, value: unknown): void => {
    Reflect.defineProperty(window, name, {
      __proto__: null,
      value,
      writable: true,
      configurable: true,
      enumerable: false,
    } as PropertyDescriptor)
  }
  // oxlint-disable-next-line require-await -- rejects, as the standard's does
  define('fetch', async function fetch(): Promise<never> {
    throw noNetwork('fetch')
  })
  for (const name of ['XMLHttpRequest', 'WebSocket', 'EventSource', 'Worker', 'SharedWorker']) define(name, refusing(name))
  // As where windows that open by themselves are blocked.
  define('open', function open(): null {
    return null
  })
}

function refusing(name: string): unknown {
  const refused = function (): never {
    throw noNetwork(name)
  }
  Reflect.defineProperty(refused, 'name', { value: name })
  return refused
}
