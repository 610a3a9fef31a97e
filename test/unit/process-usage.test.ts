import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readDataBytes, readProcessUsage } from '../../src/daemon/process-usage.ts'

test('of a process that lives', () => {
  const usage = readProcessUsage(process.pid)
  expect(usage?.peakRssBytes).toBeGreaterThan(20 * 1024 * 1024)
  expect(usage?.rssBytes).toBeGreaterThan(10 * 1024 * 1024)
  expect(usage?.rssBytes).toBeLessThanOrEqual(usage?.peakRssBytes ?? 0)
  expect(usage?.cpuMs).toBeGreaterThan(0)
  expect(readDataBytes(process.pid)).toBeGreaterThan(20 * 1024 * 1024)
})

test('of one that has died and was not reaped, there is nothing to say', async () => {
  // The shell becomes sleep, which never waits for its child.
  const parent = spawn('/bin/sh', ['-c', 'echo $$; (exit 3) & exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] })
  try {
    const [line] = (await once(parent.stdout, 'data')) as [Buffer]
    // Its one child is a zombie, or about to be.
    let child = ''
    while (child === '') child = readFileSync(`/proc/${Number(line)}/task/${Number(line)}/children`, 'latin1').trim()
    while (!/^State:\s+Z/m.test(readFileSync(`/proc/${child}/status`, 'latin1')));
    expect(readProcessUsage(Number(child))).toBeUndefined()
    expect(readDataBytes(Number(child))).toBeUndefined()
  } finally {
    parent.kill('SIGKILL')
  }
})

test('of one that never was', () => {
  expect(readProcessUsage(2 ** 30)).toBeUndefined()
})
