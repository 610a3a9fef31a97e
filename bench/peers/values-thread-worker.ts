/** The program of the worker thread: what comes in goes through a function of a context, and out again. */
import vm from 'node:vm'
import { parentPort } from 'node:worker_threads'
import { COUNT_ON } from '../sample-values.ts'

const context = vm.createContext(vm.constants.DONT_CONTEXTIFY)
const countOn = vm.runInContext(COUNT_ON, context) as (value: unknown) => unknown
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
parentPort?.on('message', (value) => parentPort?.postMessage(countOn(value)))
