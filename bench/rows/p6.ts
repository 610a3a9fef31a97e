import { bareEcho, gloveboxHostCall, gloveboxHostCallAsync } from '../contenders.ts'
import type { Row } from '../row.ts'

const common = { inFlight: 1, metric: 'p50Us', alsoShown: ['p99Us'], peers: [{ contender: bareEcho, target: { atMost: 1.3 } }] } as const

export const p6Sync: Row = { id: 'P6-SYNC', title: 'guest → client → guest, a synchronous call', ...common, subject: gloveboxHostCall }
export const p6Async: Row = {
  id: 'P6-ASYNC',
  title: 'guest → client → guest, an asynchronous call',
  ...common,
  subject: gloveboxHostCallAsync,
}
