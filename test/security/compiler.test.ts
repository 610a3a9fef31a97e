import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'glovebox'
import { describe, expect, test } from 'vitest'
import { allBut, type DaemonProcess, daemonProcess, type Layer, noSandbox, type User, users } from '../support/attack-worker.ts'
import { rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'

/** Compilers are confined as workers are, with each of their threads, and compile under every layer. */
checkLeaks()

const missingSandbox = await noSandbox()
const MODULE = 'import a from "b"; enum C { D }; export let e: C = a'

const COMBINATIONS: readonly (readonly Layer[])[] = [[], ['L2'], ['L3'], ['L2', 'L3'], ['L4'], ['L2', 'L3', 'L4']]

function socketOf({ said }: DaemonProcess): string {
  if (!('socket' in said)) throw new Error(`${said.code}: ${said.message}`)
  return said.socket
}

/** What the kernel says of each thread of a process. */
function threadsOf(pid: number): Record<string, string>[] {
  return readdirSync(`/proc/${pid}/task`).map((thread) => {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8')
    return Object.fromEntries(Array.from(status.matchAll(/^(\w+):\s*(.*)$/gm), ([, name, value]) => [name as string, value as string]))
  })
}

describe.each(users())('a compiler of a daemon of $name', (user: User) => {
  test.for(COMBINATIONS)('compiles under L1 and %o, and its threads are held', async (layers, { skip }) => {
    if (user.missing !== undefined) skip(user.missing)
    if (layers.includes('L4') && missingSandbox !== undefined) skip(missingSandbox)
    await using daemon = await daemonProcess({ options: { require: layers }, without: allBut(layers), user })
    await using box = await connect({ socket: socketOf(daemon) })
    expect((await box.compile('let x: number = 1; x', { language: 'ts' })).code).toBe('let x         = 1; x')
    const { imports, cachedData } = await box.compile(MODULE, { language: 'ts', format: 'module' })
    expect([imports, cachedData?.length]).toEqual([[{ specifier: 'b', dynamic: false, attributes: {} }], expect.any(Number)])
    expect(await rejection(box.compile('let x = ;'))).toMatchObject({ name: 'SyntaxError' })
    // What costs it its process does so here, too, and the next one comes up.
    expect(await rejection(box.compile('('.repeat(100_000), { language: 'ts' }))).toMatchObject({ name: 'RangeError' })
    expect((await box.compile('after()')).code).toBe('after()')

    const pid = (await box.status()).compilers[0]?.pid as number
    const threads = threadsOf(pid)
    expect(threads.length).toBeGreaterThanOrEqual(3)
    for (const thread of threads) {
      expect(thread['CapEff']).toMatch(layers.includes('L3') || layers.includes('L4') || user.uid !== undefined ? /^0+$/ : /./)
      if (!layers.includes('L3') && !layers.includes('L4')) continue
      expect([thread['Seccomp'], thread['NoNewPrivs']]).toEqual(['2', '1'])
    }
  })
})
