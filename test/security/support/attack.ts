/** One thing that a host does with its context. A text is a script to run. */
export type Step =
  | string
  /** A run that ends at its deadline. */
  | { readonly run: string; readonly timeout: number }
  | { readonly get: string }
  /** Imports a module. */
  | { readonly import: string; readonly modules: Readonly<Record<string, string>>; readonly timeout?: number }
  | { readonly set: string; readonly to: unknown }
  | { readonly delete: string }
  | { readonly globals: true }
  | { readonly call: string; readonly with: readonly unknown[] }
  /** Runs `repeat` until `until` is true, at most `times` times: for what happens when V8 likes. */
  | { readonly repeat: string; readonly until: string; readonly times: number }
  /** Takes a function of the guest's as a result, and calls it. */
  | { readonly invoke: string; readonly with: readonly unknown[] }
  /** Waits until nothing is pending in the context, but not for ever. */
  | { readonly idle: number }
  /** The same in the sibling, a second context of the same worker. */
  | { readonly peer: string }

/** A technique by which guest code gets objects of another realm into its hands. It calls `judge` with each: see the prelude. */
export interface Attack {
  readonly title: string
  readonly steps: readonly Step[]
  /** Globals that the context is made with. */
  readonly globals?: Readonly<Record<string, unknown>>
  /** The context has functions of the host's, in a global `host`: see host.ts. A control has Node's timers, too. */
  readonly host?: true
  /** The attack is on web globals: a control has Node's own. */
  readonly web?: true
  /** Whether it gets out of plain `node:vm`, with the bridge that people write, on this Node. Some end or block the process instead. */
  readonly control: 'escapes' | 'contained' | 'crashes' | 'hangs'
  /** What it finds here at most: its `own` realm only (default), or objects of the `moat`. */
  readonly finds?: 'own' | 'moat'
  /** What it is known to find, and SECURITY.md admits. The case fails when that is mended, too. */
  readonly knownLeak?: 'ESCAPED:text'
}

/** An attack that is one script, or several with other things in between. */
export function attack(title: string, control: Attack['control'], ...steps: readonly Step[]): Attack {
  return { title, control, steps }
}

/** An attack on a context that is made with globals. */
export function attackWith(globals: Readonly<Record<string, unknown>>, ...rest: Parameters<typeof attack>): Attack {
  return { ...attack(...rest), globals }
}

/** An attack that may come as far as the moat. */
export function reachingMoat(title: string, control: Attack['control'], ...steps: readonly Step[]): Attack {
  return { title, control, steps, finds: 'moat' }
}

/** The same on a context that can call its host. */
export function ofHost(attack: Attack): Attack {
  return { ...attack, host: true }
}

/** An attack on the web globals. */
export function ofWeb(attack: Attack): Attack {
  return { ...attack, web: true }
}
