import workerpool from 'workerpool'
import count from './pool-task.ts'

/** What the pool's worker offers: what those of the other pools do. */
workerpool.worker({ count })
