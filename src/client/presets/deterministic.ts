import { InvalidOptionError, OptionReader } from '../../base/options.ts'
import type { Deterministic } from '../../protocol/context-messages.ts'
import { MAX_DETERMINISTIC_TEXT, MAX_TIME_MS } from '../../protocol/limits.ts'

/** A context that does the same each time: chance, clock, time zone and locale are given. */
export interface DeterministicOptions {
  /** What `Math.random()`, `crypto.getRandomValues()` and `crypto.randomUUID()` give follows from it. At most 256 characters; default `0`. */
  readonly seed?: string | number
  /** What the clock shows at first: a Date, milliseconds since 1970, or a text that `new Date()` takes. Default: the beginning of 1970. */
  readonly time?: Date | number | string
  /** Name of a zone, such as `'Europe/Berlin'`. Default `'UTC'`. */
  readonly timeZone?: string
  /** What `Intl` and `toLocaleString()` use without one. Default `'en-US'`. */
  readonly locale?: string
  /** Whether the clock goes on to the next timer by itself when nothing else is under way. Default: true for single runs, false for contexts, whose `advance()` lets it go on. */
  readonly autoAdvance?: boolean
}

/** Of the option `deterministic`. */
export function readDeterministic(given: unknown, isSingleRun: boolean): Deterministic | undefined {
  if (given === undefined) return undefined
  const read = new OptionReader('deterministic', given)
  const settings = {
    seed: readSeed(read.any('seed') ?? 0),
    timeMs: readTime(read.any('time') ?? 0),
    timeZone: readTimeZone(read.string('timeZone') ?? 'UTC'),
    locale: readLocale(read.string('locale') ?? 'en-US'),
    autoAdvance: read.boolean('autoAdvance') ?? isSingleRun,
  }
  read.finish()
  return settings
}

/** Of `advance()`. */
export function checkDuration(ms: unknown): asserts ms is number {
  if (typeof ms !== 'number' || !(ms >= 0 && ms <= MAX_TIME_MS))
    throw new InvalidOptionError('ms', `must be a number from 0 to ${MAX_TIME_MS}`, ms)
}

function readSeed(given: unknown): string {
  if ((typeof given !== 'string' && typeof given !== 'number') || String(given).length > MAX_DETERMINISTIC_TEXT)
    throw new InvalidOptionError('seed', `must be a number, or a string of at most ${MAX_DETERMINISTIC_TEXT} characters`, given)
  // A string and the number that it is the text of are the same seed.
  return String(given).toWellFormed()
}

function readTime(given: unknown): number {
  const ms = typeof given === 'number' ? given : given instanceof Date || typeof given === 'string' ? new Date(given).getTime() : Number.NaN
  if (!(Math.abs(ms) <= MAX_TIME_MS)) throw new InvalidOptionError('time', 'must be a time that a Date can have', given)
  return Math.floor(ms)
}

function readTimeZone(given: string): string {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: given }).resolvedOptions().timeZone
  } catch {
    throw new InvalidOptionError('timeZone', "must be the name of a time zone, such as 'Europe/Berlin'", given)
  }
}

function readLocale(given: string): string {
  try {
    const [locale] = Intl.getCanonicalLocales(given)
    if (locale !== undefined && locale.length <= MAX_DETERMINISTIC_TEXT) return locale
  } catch {
    // Told below.
  }
  throw new InvalidOptionError('locale', "must be a language tag, such as 'de-CH'", given)
}
