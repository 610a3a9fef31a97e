import { createVmCounter } from './vm-counter.ts'

/** What the pools' workers run. No timeout of `node:vm`'s, which would cost them most of their speed: a pool can end the whole worker instead. */
export default createVmCounter()
