import { defineInterface, toDictionary } from '../idl.ts'
import { DOMException } from './dom-exception.ts'

interface Amounts {
  readonly quota: number | undefined
  readonly requested: number | undefined
}

/** What a QuotaExceededError was made with; undefined for any other object. */
export let amountsOf: (value: object) => Amounts | undefined

/** https://webidl.spec.whatwg.org/#quotaexceedederror */
export class QuotaExceededError extends DOMException {
  readonly #amounts: Amounts
  static {
    amountsOf = (value) => (#amounts in value ? value.#amounts : undefined)
  }

  constructor(message: unknown = '', options: unknown = undefined) {
    super(message, 'QuotaExceededError')
    const members = toDictionary(options, 'QuotaExceededError options')
    const quota = toAmount(members?.['quota'], 'quota')
    const requested = toAmount(members?.['requested'], 'requested')
    if (quota !== undefined && requested !== undefined && requested < quota) throw new RangeError('requested must not be less than quota')
    this.#amounts = { quota, requested }
  }

  get quota(): number | null {
    return this.#amounts.quota ?? null
  }

  get requested(): number | null {
    return this.#amounts.requested ?? null
  }
}

defineInterface(QuotaExceededError, 'QuotaExceededError')

function toAmount(value: unknown, what: string): number | undefined {
  if (value === undefined) return undefined
  const amount = +(value as string)
  // Neither an infinity nor NaN: their difference with themselves is not 0.
  if (amount - amount !== 0) throw new TypeError(`${what} must be a finite number`)
  if (amount < 0) throw new RangeError(`${what} must not be negative`)
  return amount
}
