import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, test } from 'vitest'
import { NODE_22 } from '../support/node22.ts'
import { checkLeaks } from '../support/leaks.ts'
import { gone } from '../support/processes.ts'
import { runScript } from '../support/scripts.ts'

const WITH_RUNTIME = { node: NODE_22, env: { GLOVEBOX_NODE: process.execPath } }

checkLeaks()

describe('the client on Node 22', () => {
  test('is Node 22', () => {
    expect(execFileSync(NODE_22, ['--version'], { encoding: 'utf8' })).toMatch(/^v22\./)
  })

  test.each([
    ['dispose', 42],
    ['pending', 'timed-out'],
    ['idle', 'idle'],
    ['unknown kind', ['ERR_VALUE_UNSUPPORTED', 2]],
  ])('with an embedded daemon on GLOVEBOX_NODE: %s, and then ends by itself', async (what, text) => {
    await using client = runScript('client.mjs', [what], WITH_RUNTIME)
    const said = JSON.parse(await client.line) as { daemon: number; workers: number[]; socket: string; text: unknown }
    expect(said.text).toEqual(text)
    expect(await client.ended).toBe(0)
    await gone([said.daemon, ...said.workers])
    expect(existsSync(dirname(said.socket))).toBe(false)
  })

  test.each<[title: string, env: NodeJS.ProcessEnv, message: RegExp]>([
    ['GLOVEBOX_NODE names Node 22', { GLOVEBOX_NODE: NODE_22 }, /ERR_NO_RUNTIME|GLOVEBOX_NODE \(.*\) is none/],
    ['GLOVEBOX_NODE names nothing', { GLOVEBOX_NODE: '/nonexistent/node' }, /GLOVEBOX_NODE \(\/nonexistent\/node\) is none/],
    ['there is no newer Node on PATH', { GLOVEBOX_NODE: undefined, PATH: dirname(NODE_22) }, /there is no newer one on PATH/],
  ])('without a runtime, since %s: an error that says what to do', async (_title, env, message) => {
    await using client = runScript('client.mjs', ['idle'], { node: NODE_22, env })
    await expect(client.line).rejects.toThrow(message)
    await expect(client.line).rejects.toThrow(/Install Node 26, set GLOVEBOX_NODE to its path, or start a daemon with 'glovebox serve'/)
  })
})
