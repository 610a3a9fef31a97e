import type { Contender } from '../contender.ts'
import { glovebox, gloveboxFresh, gloveboxHostCall, gloveboxMany } from '../contenders.ts'
import { Driver } from '../driver.ts'
import { IN_FLIGHT } from '../work.ts'
import { type ProcessorTime, processorTime, type Roles, rolesOf } from './processes.ts'
import { CallCounter, canTrace, type SystemCalls } from './system-calls.ts'

/** What a run costs, in one of the processes that have a part in it. All but names are per run. */
export interface Share {
  readonly role: keyof Roles
  readonly userUs: number
  readonly systemUs: number
  /** Bytes of V8's heap that were allocated, where the process tells. */
  readonly allocatedBytes: number | undefined
  /** Undefined without strace. */
  readonly calls: SystemCalls | undefined
}

export interface Profile {
  readonly title: string
  readonly shares: readonly Share[]
}

interface Case {
  readonly title: string
  readonly contender: Contender
  readonly inFlight: number
  /** As many as take some seconds: processor time is told in hundredths of one. */
  readonly runs: number
  /** Fewer: a traced process is ten times slower. */
  readonly tracedRuns: number
}

const ROLES = ['client', 'daemon', 'worker'] as const

const CASES: readonly Case[] = [
  { title: 'ctx.run, one at a time', contender: glovebox, inFlight: 1, runs: 100_000, tracedRuns: 5_000 },
  { title: `ctx.run, ${IN_FLIGHT} in flight`, contender: glovebox, inFlight: IN_FLIGHT, runs: 1_000_000, tracedRuns: 50_000 },
  { title: 'runMany', contender: gloveboxMany, inFlight: IN_FLIGHT, runs: 3_000_000, tracedRuns: 200_000 },
  { title: 'box.run in a fresh context', contender: gloveboxFresh, inFlight: 1, runs: 5_000, tracedRuns: 2_000 },
  { title: 'a synchronous host call, within ctx.run', contender: gloveboxHostCall, inFlight: 1, runs: 50_000, tracedRuns: 5_000 },
]
/** Enough to see that it works. */
const QUICK_RUNS = 200

export async function* profile(quick: boolean): AsyncGenerator<Profile> {
  for (const each of CASES) yield await profileOf(quick ? { ...each, runs: QUICK_RUNS, tracedRuns: QUICK_RUNS } : each)
}

async function profileOf({ title, contender, inFlight, runs, tracedRuns }: Case): Promise<Profile> {
  await using driver = await Driver.open(contender)
  await driver.slice({ inFlight, end: { runs: Math.ceil(runs / 4) } })
  const roles = rolesOf(driver.pid)
  const before = times(roles)
  await driver.slice({ inFlight, end: { runs } })
  const after = times(roles)
  const allocated = driver.allocatedBytes
  const calls = canTrace() ? await traced(roles, () => driver.slice({ inFlight, end: { runs: tracedRuns } })) : undefined
  return {
    title,
    shares: ROLES.map((role) => ({
      role,
      userUs: ((after[role].userMs - before[role].userMs) * 1_000) / runs,
      systemUs: ((after[role].systemMs - before[role].systemMs) * 1_000) / runs,
      allocatedBytes: role === 'client' ? allocated / runs : undefined,
      calls: calls && new Map([...calls[role]].map(([name, count]) => [name, count / tracedRuns])),
    })),
  }
}

function times({ client, daemon, worker }: Roles): Record<keyof Roles, ProcessorTime> {
  return { client: processorTime(client), daemon: processorTime(daemon), worker: processorTime(worker) }
}

/** One process after the other: each is slow only while it is looked at. */
async function traced(roles: Roles, work: () => Promise<unknown>): Promise<Record<keyof Roles, SystemCalls>> {
  const counted = async (pid: number): Promise<SystemCalls> => {
    await using counter = await CallCounter.start(pid)
    await work()
    return await counter.stop()
  }
  return { client: await counted(roles.client), daemon: await counted(roles.daemon), worker: await counted(roles.worker) }
}
