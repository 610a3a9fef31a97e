import { asNative } from '../../native-function.ts'
import { replaceConstructor, replaceValue } from './constructors.ts'

const { apply, construct } = Reflect

/** A `Date` that asks `now` for the time: https://tc39.es/ecma262/#sec-date-constructor. Its prototype stays the engine's. */
export function replaceDate(realmGlobal: object, now: () => number): void {
  const NativeDate = Date
  const { toString } = NativeDate.prototype
  const replaced = replaceConstructor(realmGlobal, 'Date', NativeDate, function replacement(): unknown {
    if (new.target === undefined) return apply(toString, new NativeDate(now()), [])
    // oxlint-disable-next-line prefer-rest-params -- an iterator may be the guest's
    return construct(NativeDate, arguments.length === 0 ? [now()] : arguments, new.target)
  })
  replaceValue(replaced, 'now', asNative(now, 'now', 0))
}
