import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { expect, test } from 'vitest'
import { errorMessage } from '../../src/base/error.ts'
import { usableCores } from '../../src/daemon/usable-cores.ts'

const PATH = '/system.slice/glovebox.service'

test.each<[what: string, files: Readonly<Record<string, string>>, cores: number]>([
  ['no cgroups', {}, 8],
  ['version 2 without a quota', { '/proc/self/cgroup': `0::${PATH}\n`, [`/sys/fs/cgroup${PATH}/cpu.max`]: 'max 100000\n' }, 8],
  ['version 2', { '/proc/self/cgroup': `0::${PATH}\n`, [`/sys/fs/cgroup${PATH}/cpu.max`]: '300000 100000\n' }, 3],
  ['a part of a core counts as none', { '/proc/self/cgroup': `0::${PATH}\n`, [`/sys/fs/cgroup${PATH}/cpu.max`]: '250000 100000\n' }, 2],
  ['less than a core is one', { '/proc/self/cgroup': `0::${PATH}\n`, [`/sys/fs/cgroup${PATH}/cpu.max`]: '20000 100000\n' }, 1],
  ['the quota of a group above', { '/proc/self/cgroup': `0::${PATH}\n`, '/sys/fs/cgroup/system.slice/cpu.max': '400000 100000\n' }, 4],
  ['a container, whose group is the mount', { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': '200000 100000\n' }, 2],
  [
    'a container that sees its path on the host',
    { '/proc/self/cgroup': '0::/docker/0123\n', '/sys/fs/cgroup/cpu.max': '200000 100000\n' },
    2,
  ],
  ['more than there is', { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': '6400000 100000\n' }, 8],
  [
    'version 1',
    {
      '/proc/self/cgroup': `12:pids:${PATH}\n4:cpu,cpuacct:${PATH}\n1:name=systemd:/\n`,
      [`/sys/fs/cgroup/cpu,cpuacct${PATH}/cpu.cfs_quota_us`]: '150000\n',
      [`/sys/fs/cgroup/cpu,cpuacct${PATH}/cpu.cfs_period_us`]: '50000\n',
    },
    3,
  ],
  [
    'version 1 without a quota',
    { '/proc/self/cgroup': '4:cpu:/\n', '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n', '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n' },
    8,
  ],
  ['files that say something else', { '/proc/self/cgroup': 'nonsense\n0::/a:b\n', '/sys/fs/cgroup/a:b/cpu.max': 'x y\n' }, 8],
])('cores by %s', (_what, files, cores) => {
  expect(usableCores(8, (path) => files[path])).toBe(cores)
})

test('cores by the real files: a quota of one core is seen', ({ skip }) => {
  expect(usableCores()).toBeLessThanOrEqual(availableParallelism())
  const group = `/sys/fs/cgroup/cpu/glovebox-test-${process.pid}`
  try {
    mkdirSync(group)
  } catch (error) {
    skip(`no cpu cgroup of version 1 can be made: ${errorMessage(error)}`)
  }
  const own = /:cpu(?:,cpuacct)?:(.*)/.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '/'
  try {
    writeFileSync(`${group}/cpu.cfs_quota_us`, '100000')
    writeFileSync(`${group}/cgroup.procs`, String(process.pid))
    expect(usableCores()).toBe(1)
  } finally {
    writeFileSync(`/sys/fs/cgroup/cpu${own}/cgroup.procs`, String(process.pid))
    rmdirSync(group)
  }
})
