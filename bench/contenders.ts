import type { Contender } from './contender.ts'
import { IN_FLIGHT } from './work.ts'

function peer(file: string): URL {
  return new URL(`./peers/${file}.ts`, import.meta.url)
}

/** As shipped: an embedded daemon with its default limits. */
export const glovebox: Contender = { name: 'glovebox', module: peer('glovebox') }

export const gloveboxFresh: Contender = { name: 'glovebox', module: peer('fresh-glovebox') }

/** The same daemon; what counts is a call of a host function by the guest. */
export const gloveboxHostCall: Contender = { name: 'glovebox', module: peer('glovebox-host-call') }
export const gloveboxHostCallAsync: Contender = { name: 'glovebox', module: peer('glovebox-host-call'), settings: { async: true } }
export const gloveboxMany: Contender = { name: 'glovebox runMany', module: peer('glovebox-many') }

/** The floor: the same bytes between two processes, and nothing done with them. */
export const bareEcho: Contender = { name: 'bare echo', module: peer('bare-echo') }

/** The floor of what runs code in another process: no deadline, no values, no limits. */
export const bareRun: Contender = { name: 'bare echo that runs the script', module: peer('bare-echo'), settings: { work: 'run' } }
export const bareFresh: Contender = {
  name: 'bare echo that makes a context and runs the script',
  module: peer('bare-echo'),
  settings: { work: 'fresh' },
}

/** The floor of what starts a process: Node does nothing and ends. */
export const bareNode: Contender = { name: 'node -e 0', module: peer('bare-node') }

export const isolatedVm: Contender = {
  name: 'isolated-vm, eval with timeout',
  module: peer('isolated-vm'),
  // Its README: required on Node 20 and later.
  nodeFlags: ['--no-node-snapshot'],
}

/**
 * One thread or process, because the counter lives there. The documentation of both pools advises one task at a time for synchronous tasks;
 * sent ahead, tasks this small go several times faster. The target is held against the faster form; the advised one is shown beside it.
 */
const SENT_AHEAD = { concurrentTasksPerWorker: IN_FLIGHT }

export const piscina: Contender = { name: 'piscina + vm, tasks sent ahead', module: peer('piscina'), settings: SENT_AHEAD }
export const piscinaAdvised: Contender = { name: 'piscina + vm', module: peer('piscina') }
export const tinypool: Contender = { name: 'tinypool process + vm, tasks sent ahead', module: peer('tinypool'), settings: SENT_AHEAD }
export const tinypoolAdvised: Contender = { name: 'tinypool process + vm', module: peer('tinypool') }

export const workerpool: Contender = { name: 'workerpool process + vm', module: peer('workerpool') }
export const quickJs: Contender = { name: 'quickjs-emscripten with deadline', module: peer('quickjs') }
export const vm2: Contender = { name: 'vm2 with timeout', module: peer('vm2') }

export const nodeVmTimeout: Contender = { name: 'node:vm with timeout', module: peer('node-vm'), settings: { timeout: true } }
export const nodeVm: Contender = { name: 'node:vm, no timeout', module: peer('node-vm') }
