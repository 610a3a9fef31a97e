import type { PendingRun } from './pending-runs.ts'
import type { RealmContext } from './realm-context.ts'

/** A context as its channel sees it. */
export class ChannelContext {
  readonly realm: RealmContext
  /** Made for one run, and dropped with it. */
  readonly once: boolean
  readonly pending = new Map<number, PendingRun>()

  constructor(realm: RealmContext, once: boolean) {
    this.realm = realm
    this.once = once
  }
}
