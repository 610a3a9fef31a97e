import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'

/** Where cgroups are mounted, version 2 by itself or beside version 1 (cgroups(7)). */
const MOUNTS = { 2: ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'], 1: ['/sys/fs/cgroup/cpu', '/sys/fs/cgroup/cpu,cpuacct'] } as const

/**
 * Cores that this process may use, at least 1: those that it may run on, or fewer, by the quotas of the cgroups that it is in. What is left over of a quota is no core: two workers on one and a half would only take
 * turns. Node knows the quotas of containers as they usually are, not all.
 *
 * @param available cores that the process may run on
 * @param read a file's text, undefined if there is none
 */
export function usableCores(available = availableParallelism(), read: (path: string) => string | undefined = readIfThere): number {
  let cores = available
  for (const line of (read('/proc/self/cgroup') ?? '').split('\n')) {
    const [hierarchy, controllers, path] = splitLine(line)
    if (hierarchy === '0') {
      for (const mount of MOUNTS[2])
        cores = Math.min(
          cores,
          leastOf(mount, path, (group) => quotaOfMax(read(join(group, 'cpu.max')))),
        )
    } else if (controllers.split(',').includes('cpu')) {
      const quotaAt = (group: string): number => quotaOf(read(join(group, 'cpu.cfs_quota_us')), read(join(group, 'cpu.cfs_period_us')))
      for (const mount of MOUNTS[1]) cores = Math.min(cores, leastOf(mount, path, quotaAt))
    }
  }
  return Math.max(1, Math.floor(cores))
}

/** `hierarchy:controllers:path`; the path may have colons of its own. */
function splitLine(line: string): readonly [hierarchy: string, controllers: string, path: string] {
  const [hierarchy = '', controllers = '', ...path] = line.split(':')
  return [hierarchy, controllers, path.join(':')]
}

/** A group has no more than the groups that it is in. In a container the mount may be the group itself, under another path. */
function leastOf(mount: string, path: string, quotaAt: (group: string) => number): number {
  let least = Number.POSITIVE_INFINITY
  for (let at = join('/', path); ; at = dirname(at)) {
    least = Math.min(least, quotaAt(join(mount, at)))
    if (at === '/') return least
  }
}

function quotaOfMax(text: string | undefined): number {
  const [quota, period] = (text ?? '').trim().split(' ')
  return quotaOf(quota, period)
}

/** In cores; Infinity if there is none (`max`, -1). */
function quotaOf(quota: string | undefined, period: string | undefined): number {
  const cores = Number(quota) / Number(period)
  return cores > 0 ? cores : Number.POSITIVE_INFINITY
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
