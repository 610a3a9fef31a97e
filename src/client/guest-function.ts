import { ReportedError } from './errors.ts'

/**
 * A function of a guest's: calls it there and resolves with what it returns, awaited. The guest keeps the function alive until the handle is disposed or collected, or the context
 * ends; after that a call rejects. A rejection that nobody handles is silent.
 */
export type GuestFunction = ((...args: readonly unknown[]) => Promise<unknown>) & Disposable

/** What a handle does. */
interface GuestFunctionActions {
  readonly call: (args: readonly unknown[]) => Promise<unknown>
  readonly release: () => void
}

const handles = new WeakMap<object, { readonly id: number; readonly bridge: object; readonly release: () => void }>()

/**
 * A rejection that nobody looks at must not end this process: the guest decides whether there is one, and also when its function is called, as a `toJSON` or `toString` among its data.
 */
const unheard = (): void => undefined

export function makeGuestFunction(id: number, name: string, bridge: object, actions: GuestFunctionActions): GuestFunction {
  const call = async (args: readonly unknown[]): Promise<unknown> => actions.call(args)
  const handle = (...args: readonly unknown[]): Promise<unknown> => {
    const outcome = call(args)
    outcome.catch(unheard)
    return outcome
  }
  Object.defineProperty(handle, 'name', { value: name, configurable: true })
  Object.defineProperty(handle, Symbol.dispose, { value: actions.release, configurable: true })
  handles.set(handle, { id, bridge, release: actions.release })
  return handle as unknown as GuestFunction
}

/** Whether it is a handle, of whatever guest. */
export function isGuestFunction(fn: object): boolean {
  return handles.has(fn)
}

/** For a function that nobody keeps alive: its context ended as it came. */
export function goneFunction(name: string): GuestFunction {
  const call = (): never => {
    throw new ReportedError('ERR_FUNCTION_GONE', `the guest's function '${name}' is gone with its context`)
  }
  return makeGuestFunction(0, name, {}, { call, release: () => undefined })
}

/** The id of a function that came over this bridge. */
export function guestFunctionId(fn: object, bridge: object): number | undefined {
  const handle = handles.get(fn)
  return handle?.bridge === bridge ? handle.id : undefined
}

/** Gives a function back; nothing else happens if it is none of a guest's. */
export function releaseGuestFunction(fn: object): void {
  handles.get(fn)?.release()
}
