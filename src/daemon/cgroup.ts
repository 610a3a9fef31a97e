import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { errorCode } from '../base/error.ts'
import { bindLibc } from '../base/libc.ts'

/** Controllers that a worker's limits need (cgroups(7), version 2). */
const NEEDED = ['memory', 'pids', 'cpu'] as const
/** Processes and threads of one worker: Node has about a dozen, bubblewrap two. */
const MAX_PIDS = 64
/** Name of the leaf that the daemon moves into: a group with processes of its own cannot have limited children. */
const OWN_LEAF = 'daemon'
const WORKER_GROUP = /^w\d+$/

/** What the kernel recorded of a worker that is gone. */
export interface CgroupWitness {
  /** Times that the kernel killed for memory in the group. */
  readonly oomKills: number
  readonly peakBytes: number | undefined
  /** Processor time that everything in the group has used, in milliseconds. */
  readonly cpuMs: number | undefined
}

/** One group: a worker's (L5). */
export interface WorkerCgroup {
  /** Moves a process in; what it starts is in, too. */
  add(pid: number): void
  holds(pid: number): boolean
  witness(): CgroupWitness
  /** Removes the group, once it is empty. */
  remove(): void
}

/**
 * A subtree of the cgroup file system that is this daemon's to arrange, as systemd gives with `Delegate=yes`. Throws if it is not: no such controllers, no right to write.
 */
export class CgroupTree {
  readonly #path: string

  /** @param path of the delegated group, below the cgroup2 mount */
  constructor(path: string) {
    this.#path = path
    const offered = this.#read('cgroup.controllers').split(/\s+/)
    const missing = NEEDED.filter((controller) => !offered.includes(controller))
    if (missing.length > 0) throw new Error(`${path} does not offer the controllers ${missing.join(', ')}`)
    const leaf = join(path, OWN_LEAF)
    mkdirSync(leaf, { recursive: true })
    for (const pid of this.#read('cgroup.procs').split('\n')) if (pid !== '') writeFileSync(join(leaf, 'cgroup.procs'), pid)
    writeFileSync(join(path, 'cgroup.subtree_control'), NEEDED.map((controller) => `+${controller}`).join(' '))
    // Groups that a killed daemon left.
    for (const name of readdirSync(path)) if (WORKER_GROUP.test(name)) removeGroup(join(path, name))
  }

  /** Makes the group for a worker; `memoryBytes` is a hard limit, without swap, `cpuWeight` its share of a contended processor. */
  create(worker: number, memoryBytes: number, cpuWeight: number): WorkerCgroup {
    const group = join(this.#path, `w${worker}`)
    mkdirSync(group)
    const set = (file: string, value: string | number): void => writeFileSync(join(group, file), String(value))
    set('memory.max', memoryBytes)
    set('memory.swap.max', 0)
    // One process of it is killed: all are.
    set('memory.oom.group', 1)
    set('pids.max', MAX_PIDS)
    set('cpu.weight', cpuWeight)
    const name = basename(this.#path)
    return {
      add: (pid) => set('cgroup.procs', pid),
      holds(pid) {
        try {
          return readFileSync(`/proc/${pid}/cgroup`, 'latin1').includes(`${name}/w${worker}\n`)
        } catch {
          return false
        }
      },
      witness: () => witnessOf(group),
      remove: () => removeGroup(group),
    }
  }

  #read(file: string): string {
    return readFileSync(join(this.#path, file), 'latin1').trim()
  }
}

const libc = bindLibc({ getxattr: { arguments: ['pointer', 'pointer', 'pointer', 'uint64'], return: 'int64' } })

/** Whether systemd marked the group as delegated to its owner. */
export function isDelegated(path: string): boolean {
  if (libc === undefined) return false
  const value = Buffer.alloc(8)
  const file = Buffer.from(`${path}\0`)
  return ['user.delegate', 'trusted.delegate'].some((name) => {
    const key = Buffer.from(`${name}\0`)
    const found = libc.functions.getxattr(libc.addressOf(file), libc.addressOf(key), libc.addressOf(value), BigInt(value.length))
    return Number(found) === 1 && value[0] === '1'.charCodeAt(0)
  })
}

/** The cgroup2 directory of this process, if the whole machine uses version 2. */
export function ownCgroup(): string | undefined {
  try {
    const line = /^0::(\/.*)$/m.exec(readFileSync('/proc/self/cgroup', 'latin1'))
    const mount = / (\/\S*) \S+(?: \S+:\S+)* - cgroup2 /.exec(readFileSync('/proc/self/mountinfo', 'latin1'))
    return line?.[1] === undefined || mount?.[1] === undefined ? undefined : join(mount[1], line[1])
  } catch {
    return undefined
  }
}

function witnessOf(group: string): CgroupWitness {
  const number = (file: string, pattern: RegExp): number | undefined => {
    try {
      const found = pattern.exec(readFileSync(join(group, file), 'latin1'))
      return found === null ? undefined : Number(found[1])
    } catch {
      return undefined
    }
  }
  const cpuUs = number('cpu.stat', /^usage_usec (\d+)$/m)
  return {
    oomKills: number('memory.events', /^oom_kill (\d+)$/m) ?? 0,
    peakBytes: number('memory.peak', /^(\d+)$/m),
    cpuMs: cpuUs === undefined ? undefined : cpuUs / 1_000,
  }
}

/** A group that still has a dying process cannot be removed: the next daemon's start does it. */
function removeGroup(group: string): void {
  try {
    rmdirSync(group)
  } catch (error) {
    if (!['EBUSY', 'ENOENT', 'ENOTEMPTY'].includes(errorCode(error) ?? '')) throw error
  }
}
