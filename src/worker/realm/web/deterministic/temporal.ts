import { replaceValue } from './constructors.ts'

const { apply, getOwnPropertyDescriptor } = Reflect

type Method = (...args: unknown[]) => unknown
type Class = { readonly prototype: Readonly<Record<string, Method>> }

/** `Temporal.Now`, where the engine has it: https://tc39.es/proposal-temporal/#sec-temporal-now-object. */
export function replaceTemporalNow(realmGlobal: object, now: () => number, timeZone: string): void {
  const temporal = getOwnPropertyDescriptor(realmGlobal, 'Temporal')?.value as
    | { readonly Now: object; readonly Instant: Class & { readonly fromEpochMilliseconds: Method }; readonly ZonedDateTime: Class }
    | undefined
  if (temporal === undefined) return
  const { Now, Instant, ZonedDateTime } = temporal
  const { fromEpochMilliseconds } = Instant
  const { toZonedDateTimeISO } = Instant.prototype as { readonly toZonedDateTimeISO: Method }
  const { toPlainDate, toPlainDateTime, toPlainTime } = ZonedDateTime.prototype as Record<
    'toPlainDate' | 'toPlainDateTime' | 'toPlainTime',
    Method
  >
  const instant = (): unknown => apply(fromEpochMilliseconds, Instant, [now()])
  const zoned = (given: unknown): unknown => apply(toZonedDateTimeISO, instant(), [given === undefined ? timeZone : given])
  const methods: Record<string, Method> = {
    instant: () => instant(),
    timeZoneId: () => timeZone,
    zonedDateTimeISO: (given?: unknown) => zoned(given),
    plainDateISO: (given?: unknown) => apply(toPlainDate, zoned(given), []),
    plainDateTimeISO: (given?: unknown) => apply(toPlainDateTime, zoned(given), []),
    plainTimeISO: (given?: unknown) => apply(toPlainTime, zoned(given), []),
  }
  for (const name of Reflect.ownKeys(methods) as string[]) replaceValue(Now, name, methods[name])
}
