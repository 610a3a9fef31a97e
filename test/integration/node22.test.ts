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

  test('with an embedded daemon on the Node that is installed beside Glovebox, if there is none on PATH', async () => {
    const env = { GLOVEBOX_NODE: undefined, PATH: dirname(NODE_22) }
    await using client = runScript('client.mjs', ['dispose'], { node: NODE_22, env })
    expect(JSON.parse(await client.line)).toMatchObject({ text: 42 })
    expect(await client.ended).toBe(0)
  })

  test.each<[title: string, env: NodeJS.ProcessEnv, message: RegExp]>([
    ['GLOVEBOX_NODE names Node 22', { GLOVEBOX_NODE: NODE_22 }, /ERR_NO_RUNTIME|GLOVEBOX_NODE \(.*\) is none/],
    ['GLOVEBOX_NODE names nothing', { GLOVEBOX_NODE: '/nonexistent/node' }, /GLOVEBOX_NODE \(\/nonexistent\/node\) is none/],
  ])('without a runtime, since %s: an error that says what to do', async (_title, env, message) => {
    await using client = runScript('client.mjs', ['idle'], { node: NODE_22, env })
    await expect(client.line).rejects.toThrow(message)
    await expect(client.line).rejects.toThrow(
      /'npm install node@26' brings one to a project; or install Node 26, and set GLOVEBOX_NODE to its path/,
    )
  })
})
