import { nearLimitCodec, type NearLimitName } from '../../protocol/limit-messages.ts'
import { NEAR_SHARE } from '../../protocol/limits.ts'
import type { Outbox } from './outbox.ts'
import type { RealmRecord } from './record.ts'

/** Tells the client that the context comes near a limit: once for each, so that a guest can flood nobody with it. */
export class NearLimits {
  readonly #record: RealmRecord
  readonly #outbox: Outbox
  readonly #told = { __proto__: null } as unknown as Record<string, true>

  constructor(record: RealmRecord, outbox: Outbox) {
    this.#record = record
    this.#outbox = outbox
  }

  /** There are now so many of what there may be `configured` of. */
  count(limit: NearLimitName, observed: number, configured: number): void {
    if (observed < NEAR_SHARE * configured || this.#told[limit] === true) return
    this.#told[limit] = true
    this.#outbox.add(nearLimitCodec, { type: 'nearLimit', context: this.#record.context, limit, configured, observed })
  }
}
