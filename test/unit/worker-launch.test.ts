import { mkdirSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Program } from '../../src/daemon/program.ts'
import type { Sandbox } from '../../src/daemon/sandbox/bubblewrap.ts'
import { OWNER_ONLY } from '../../src/daemon/tenants/socket-access.ts'
import { type LaunchSettings, launchWorker } from '../../src/daemon/worker-launch.ts'
import { temporaryDirectory } from '../support/daemons.ts'

/** What this process has open of a directory, and its sockets. */
function descriptors(directory: string): readonly string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`)
      return target.startsWith(directory) || target.startsWith('socket:') ? [target] : []
    } catch {
      // The one that read the directory.
      return []
    }
  })
}

const program: Program = { file: '/nowhere.cjs', beside: [], flags: [], grants: [], niceness: 0, cpuWeight: 100 }
const sandbox: Sandbox = { program: '/no/bwrap', filter: new Uint8Array(8), inside: (file) => file, command: () => [] }

test.each<[name: string, taken: string | undefined, settings: Partial<LaunchSettings>, why: RegExp]>([
  ['a page that cannot be made', 'w1.page', {}, /^EISDIR/],
  ['a socket whose path is taken', 'w1.sock', {}, /^no socket could be made at /],
  ['a filter that cannot be written', 'w1.filter', { sandbox }, /EISDIR|directory/],
  ['a command that no process can have', undefined, { node: 'no\0de' }, /null bytes/],
])('a launch that fails half-way leaves no descriptor: %s', (_, taken, settings, why) => {
  using directory = temporaryDirectory()
  const { path } = directory
  if (taken !== undefined) mkdirSync(join(path, taken))
  const before = descriptors(path)
  const usual = {
    directory: path,
    access: OWNER_ONLY,
    memoryBytes: 2 ** 26,
    node: process.execPath,
    confinement: { dropPermissions: false },
    program,
  }
  for (let i = 0; i < 3; i++) expect(() => launchWorker(1, { ...usual, ...settings })).toThrow(why)
  expect(descriptors(path)).toEqual(before)
  expect(readdirSync(path)).toEqual(taken === undefined ? [] : [taken])
})
