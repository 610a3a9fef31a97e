/** Of a zone's offset, a day in each half of the year. */
const PROBES_MS = [Date.UTC(2024, 0, 1), Date.UTC(2024, 6, 1)]
/** Zones that were looked at. There are some 600, but each has many spellings. */
const MAX_KNOWN = 1_000

/**
 * The process's time zone, which is that of `Date` and `Intl` in all its realms: V8 has it read again when the variable is set. Names are looked up in ICU's own data: no file is read.
 */
export class TimeZones {
  /** Of realms that have none of their own. */
  readonly #usual = zoneNow()
  #current: string | undefined
  readonly #known = new Map<string, boolean>()

  /** The realm of this zone is entered, or one without. */
  enter(zone: string | undefined): void {
    this.#current = zone
    process.env['TZ'] = zone ?? this.#usual
  }

  /** The zone in which the process is, if it is not the usual one. */
  get current(): string | undefined {
    return this.#current
  }

  /** Whether the process can be in this zone: short names, such as EST, are taken for others when no file says what they are. */
  knows(zone: string): boolean {
    let known = this.#known.get(zone)
    if (known === undefined) {
      known = this.#try(zone)
      if (this.#known.size >= MAX_KNOWN) this.#known.clear()
      this.#known.set(zone, known)
    }
    return known
  }

  #try(zone: string): boolean {
    let expected: Intl.DateTimeFormat
    try {
      expected = new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'longOffset' })
    } catch {
      return false
    }
    const before = this.#current
    this.enter(zone)
    const actual = new Intl.DateTimeFormat('en', { timeZoneName: 'longOffset' })
    const agrees = PROBES_MS.every(
      (ms) => actual.format(ms) === expected.format(ms) && offsetOf(expected, ms) === new Date(ms).getTimezoneOffset(),
    )
    this.enter(before)
    return agrees
  }
}

/** Minutes to the west of Greenwich. */
function offsetOf(format: Intl.DateTimeFormat, ms: number): number {
  const text = format.formatToParts(ms).find(({ type }) => type === 'timeZoneName')?.value ?? ''
  const [, sign, hours, minutes] = /([+-])(\d\d):(\d\d)/.exec(text) ?? []
  const offset = Number(hours ?? 0) * 60 + Number(minutes ?? 0)
  return sign === '-' || offset === 0 ? offset : -offset
}

function zoneNow(): string {
  // Intl.DateTimeFormat knows it, too, but takes 20 ms to be made for the first time.
  return Temporal.Now.timeZoneId()
}
