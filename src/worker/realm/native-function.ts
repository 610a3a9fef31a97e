const { apply, defineProperty } = Reflect
const { bind } = Function.prototype

/** A function of ours that looks to a guest as one of the engine's: its text is `[native code]`, and it has the name and length that its standard says. */
export function asNative<Fn extends (...args: never[]) => unknown>(fn: Fn, name: string, length: number): Fn {
  const bound = apply(bind, fn, [undefined]) as Fn
  defineProperty(bound, 'name', {
    __proto__: null,
    value: name,
    writable: false,
    enumerable: false,
    configurable: true,
  } as PropertyDescriptor)
  defineProperty(bound, 'length', {
    __proto__: null,
    value: length,
    writable: false,
    enumerable: false,
    configurable: true,
  } as PropertyDescriptor)
  return bound
}
