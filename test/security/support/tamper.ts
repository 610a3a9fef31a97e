/** Puts a function of the guest's in the place of each function and accessor of an object: it judges what it is called with, and does as the original. */
export const TAMPER = `
var own = { apply: Reflect.apply, construct: Reflect.construct, ownKeys: Reflect.ownKeys, describe: Reflect.getOwnPropertyDescriptor,
      define: Reflect.defineProperty }
var count = 0
var wrap = (original) => function () { count++; judge(this); judge(arguments); judge(new.target)
  const got = new.target ? own.construct(original, arguments, new.target === original ? original : new.target) : own.apply(original,
      this, arguments); judge(got); return got }
var tamper = (holder) => { const keys = own.ownKeys(holder); for (let i = 0; i < keys.length; i++) {
      const described = own.describe(holder, keys[i]); if (!described.configurable || keys[i] === 'constructor') continue
  const changed = { __proto__: null, configurable: true, enumerable: described.enumerable }
  if (typeof described.value === 'function') { changed.value = wrap(described.value); changed.writable = true }
      else if (described.get || described.set) { changed.get = described.get && wrap(described.get);
      changed.set = described.set && wrap(described.set) } else continue
  own.define(holder, keys[i], changed) } }
judge([]); 0`
