import { readdirSync } from 'node:fs'
import { afterAll, describe, expect, test } from 'vitest'
import { noSandbox } from '../support/attack-worker.ts'
import { type Ended, glovebox, isPlain } from '../support/command.ts'
import { temporaryDirectory } from '../support/daemons.ts'
import { checkLeaks } from '../support/leaks.ts'
import { childrenOf, gone } from '../support/processes.ts'

checkLeaks()
const directory = temporaryDirectory()
afterAll(() => directory[Symbol.dispose]())
const missingSandbox = await noSandbox()
const WITHOUT_BUBBLEWRAP = { PATH: '/nonexistent' }
const INSTALL = /Install it: .*bubblewrap.*\./
const LOOK_MS = 5

interface Examined {
  readonly compiler: Pick<Examined, 'layers' | 'attacks'>
  readonly layers: readonly { readonly layer: string; readonly held: boolean; readonly detail: string; readonly fix?: string }[]
  readonly attacks: readonly { readonly name: string; readonly layer: string; readonly refused: boolean; readonly evidence: string }[]
  readonly levels: readonly string[]
}

/** Runs `glovebox doctor`, which must leave neither a process nor a file. */
async function doctor(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  await using command = glovebox(['doctor', ...args], { TMPDIR: directory.path, ...env })
  const descendants = new Set<number>()
  const look = (): void => {
    for (const pid of [command.pid, ...descendants]) for (const child of childrenOf(pid)) descendants.add(child)
  }
  const timer = setInterval(look, LOOK_MS)
  const ended = await command.ended
  clearInterval(timer)
  expect(descendants.size).toBeGreaterThan(0)
  await gone([...descendants])
  expect(readdirSync(directory.path)).toEqual([])
  return ended
}

test('prints what holds, each attack, and the levels that a daemon would start with', async ({ skip }) => {
  if (missingSandbox !== undefined) skip(missingSandbox)
  const { code, stdout, stderr } = await doctor()
  expect([code, stderr]).toEqual([0, ''])
  expect(isPlain(stdout)).toBe(true)
  for (const line of [
    /^✓ +L1 +process +a process of its own, empty environment$/m,
    /^✓ +L2 +Node permissions +all grants dropped$/m,
    /^✓ +L3 +kernel lockdown +seccomp, .*rlimits, not dumpable/m,
    /^✓ +L4 +namespaces +own namespaces, empty root, nobody$/m,
    /^[✓✗] +L5 +cgroup +\S/m,
    /^✓ +read a file +L4 refused \(ENOENT\), L3 refused \(EPERM\)$/m,
    /^✓ +fork +L4 refused \(EPERM\), L3 refused \(EPERM\)$/m,
    /^✓ +node:child_process +L2 refused \(ERR_ACCESS_DENIED\)$/m,
    /^layers of a compiler\n.*\n✓ +L1 .*\n✓ +L2 .*\n✓ +L3 .*\n✓ +L4 /m,
    /^The compiler's threads tried the same \d\d attacks: all were refused\.$/m,
    /^A daemon starts here with confinement: strict, auto, process$/m,
  ])
    expect(stdout).toMatch(line)
  expect(stdout).not.toMatch(/LET THROUGH|^✗ +(?!L5)\S/m)
})

test('the same as JSON', async ({ skip }) => {
  if (missingSandbox !== undefined) skip(missingSandbox)
  const { code, stdout, stderr } = await doctor(['--json', '--confinement', 'strict'])
  expect([code, stderr]).toEqual([0, ''])
  const { compiler, levels, ...worker } = JSON.parse(stdout) as Examined
  for (const { layers, attacks } of [worker, compiler]) {
    expect(layers.map(({ layer, held }) => [layer, held]).slice(0, 4)).toEqual(['L1', 'L2', 'L3', 'L4'].map((layer) => [layer, true]))
    expect(attacks.length).toBeGreaterThan(40)
    expect(attacks.filter(({ refused }) => !refused)).toEqual([])
  }
  expect(compiler.attacks.map(({ name, layer }) => [name, layer])).toEqual(worker.attacks.map(({ name, layer }) => [name, layer]))
  expect(levels).toEqual(['strict', 'auto', 'process'])
})

describe('exit codes where all holds', () => {
  test.for(['auto', 'strict', 'process'])('0 for %s', async (level, { skip }) => {
    if (missingSandbox !== undefined) skip(missingSandbox)
    expect((await doctor(['--confinement', level])).code).toBe(0)
  })
})

describe('without bubblewrap', () => {
  test.each(['auto', 'process'])('0 for %s, and how to install it', async (level) => {
    const { code, stdout, stderr } = await doctor(['--confinement', level], WITHOUT_BUBBLEWRAP)
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^✗ +L4 +namespaces +bubblewrap is not installed$/m)
    expect(stdout).toMatch(new RegExp(`^to mend\\n(.*\\n)* {2}L4: ${INSTALL.source}$`, 'm'))
    expect(stdout).toMatch(/^A daemon starts here with confinement: auto, process$/m)
  })

  test('3 for strict, with the reason on standard error and the fix on standard output', async () => {
    const { code, stdout, stderr } = await doctor(['--confinement', 'strict'], WITHOUT_BUBBLEWRAP)
    expect(code).toBe(3)
    expect(stdout).toMatch(INSTALL)
    expect(stderr).toContain("a daemon would not start here with confinement 'strict'")
  })

  test('3 for strict as JSON, which still parses', async () => {
    const { code, stdout } = await doctor(['--json', '--confinement', 'strict'], WITHOUT_BUBBLEWRAP)
    expect(code).toBe(3)
    const { layers, levels } = JSON.parse(stdout) as Examined
    expect(layers.find(({ layer }) => layer === 'L4')).toEqual({
      layer: 'L4',
      held: false,
      detail: 'bubblewrap is not installed',
      fix: expect.stringMatching(INSTALL) as string,
    })
    expect(levels).toEqual(['auto', 'process'])
  })
})

test('an unknown level is a mistake of usage', async () => {
  const { code, stderr } = await glovebox(['doctor', '--confinement', 'strictest'], {}).ended
  expect(code).toBe(2)
  expect(stderr).toMatch(/strict, auto, process/)
})
