import { typedArrayByteLength } from '../captured.ts'
import { replaceDate } from './date.ts'
import { replaceDefaultLocale, replaceFormattedNow } from './intl.ts'
import { createRandom, fraction } from './random.ts'
import { replaceTemporalNow } from './temporal.ts'
import { replaceValue } from './constructors.ts'

export interface DeterministicSettings {
  readonly seed: string
  readonly timeZone: string
  readonly locale: string
}

/** Makes a realm give the same each time: chance, time and locale. Before any code of the guest's runs. The time zone is the worker's to set. */
export function makeDeterministic(realmGlobal: object, { seed, timeZone, locale }: DeterministicSettings, now: () => number): void {
  replaceDate(realmGlobal, now)
  replaceFormattedNow(now)
  replaceTemporalNow(realmGlobal, now, timeZone)
  if (locale !== new Intl.NumberFormat().resolvedOptions().locale) replaceDefaultLocale(realmGlobal, locale)
  const next = createRandom(seed)
  const { random } = { random: () => fraction(next) }
  replaceValue(Math, 'random', random)
}

/** Fills bytes from a seed. Not by the numbers of `Math.random`: neither changes what the other gives. */
export function createRandomBytes(seed: string): (target: Uint8Array) => void {
  const next = createRandom(`${seed}\nbytes`)
  return (target) => {
    const size = typedArrayByteLength(target)
    for (let i = 0; i < size; i++) target[i] = next() >>> 24
  }
}
