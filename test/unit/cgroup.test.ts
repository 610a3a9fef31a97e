import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CgroupTree, isDelegated, ownCgroup } from '../../src/daemon/cgroup.ts'

// A directory stands in for the cgroup file system: what is written, and what is read, is the same there.
let path: string

beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'glovebox-cgroup-'))
  give('cgroup.controllers', 'cpuset cpu io memory pids\n')
  give('cgroup.procs', '')
})

afterEach(() => rmSync(path, { recursive: true }))

const give = (file: string, text: string): void => writeFileSync(join(path, file), text)
const got = (file: string): string => readFileSync(join(path, file), 'utf8')

describe('a delegated tree', () => {
  test('has its controllers switched on, and the daemon out of the way', () => {
    give('cgroup.procs', '41\n')
    void new CgroupTree(path)
    expect(got('cgroup.subtree_control')).toBe('+memory +pids +cpu')
    expect(got('daemon/cgroup.procs')).toBe('41')
  })

  test('without a controller is refused, by name', () => {
    give('cgroup.controllers', 'cpu io\n')
    expect(() => new CgroupTree(path)).toThrow('does not offer the controllers memory, pids')
  })

  test('that is not there is refused', () => {
    expect(() => new CgroupTree(join(path, 'nowhere'))).toThrow('ENOENT')
  })

  test('loses the groups that a killed daemon left', () => {
    mkdirSync(join(path, 'w7'))
    mkdirSync(join(path, 'wide'))
    void new CgroupTree(path)
    expect(() => got('w7/x')).toThrow('ENOENT')
    mkdirSync(join(path, 'w7'))
    expect(() => mkdirSync(join(path, 'wide'))).toThrow('EEXIST')
  })
})

describe('a worker’s group', () => {
  test('has its limits before a process is in', () => {
    const group = new CgroupTree(path).create(3, 500_000_000, 70)
    const files = ['memory.max', 'memory.swap.max', 'memory.oom.group', 'pids.max', 'cpu.weight']
    expect(files.map((file) => got(`w3/${file}`))).toEqual(['500000000', '0', '1', '64', '70'])
    group.add(99)
    expect(got('w3/cgroup.procs')).toBe('99')
    expect(group.holds(process.pid)).toBe(false)
  })

  test.each([
    ['low 0\nhigh 0\nmax 12\noom 1\noom_kill 2\noom_group_kill 1\n', '123456\n', { oomKills: 2, peakBytes: 123_456 }],
    ['low 0\noom_kill 0\n', 'max\n', { oomKills: 0, peakBytes: undefined }],
  ])('bears witness %#', (events, peak, expected) => {
    const group = new CgroupTree(path).create(3, 1, 100)
    give('w3/memory.events', events)
    give('w3/memory.peak', peak)
    expect(group.witness()).toEqual(expected)
  })

  test('bears witness of nothing on a kernel that has no such files', () => {
    expect(new CgroupTree(path).create(3, 1, 100).witness()).toEqual({ oomKills: 0, peakBytes: undefined })
  })

  test('that a dying process still holds is left for the next daemon', () => {
    const group = new CgroupTree(path).create(3, 1, 100)
    expect(() => group.remove()).not.toThrow()
  })
})

test('a plain directory is not delegated', () => {
  expect(isDelegated(path)).toBe(false)
})

test('a real delegated subtree holds a process', (ctx) => {
  const own = ownCgroup()
  ctx.skip(own === undefined, 'this machine does not use cgroups version 2 alone')
  ctx.skip(!isDelegated(own as string), `the cgroup ${own} is not delegated to this process`)
  const group = new CgroupTree(own as string).create(4_000_000, 256 * 1024 * 1024, 100)
  group.add(process.pid)
  expect(group.holds(process.pid)).toBe(true)
  writeFileSync(join(own as string, 'daemon', 'cgroup.procs'), String(process.pid))
  group.remove()
})
