import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'glovebox'
import { afterAll, expect, test } from 'vitest'
import { glovebox } from '../support/command.ts'
import { temporaryDirectory } from '../support/daemons.ts'
import { rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()
const directory = temporaryDirectory()
afterAll(() => directory[Symbol.dispose]())
const path = join(directory.path, 'config.json')
const env = { XDG_CONFIG_HOME: directory.path, XDG_RUNTIME_DIR: directory.path, TMPDIR: directory.path }

test('glovebox config check and print', async () => {
  writeFileSync(path, '{\n  "spare": 3,\n  "memory": "64M" }')
  expect((await glovebox(['config', 'check', path], env).ended).stdout).toBe(`${path}: ok, 2 options are given\n`)
  const { stdout } = await glovebox(['config', 'print', path, '--timeout', '70'], { ...env, GLOVEBOX_MAX: '5' }).ended
  expect(stdout).toMatch(
    /\nspare +3 +\S+config\.json:2\nmax +5 +\$GLOVEBOX_MAX\n.*\ntimeout +70 +flag\n.*\nmemory +67108864 +\S+:3\n.*\ndrain +5000 +default\n/s,
  )
  const printed = await glovebox(['config', 'print', path, '--json'], env).ended
  expect(JSON.parse(printed.stdout)).toMatchObject({ spare: 3, memory: 67_108_864, logLevel: 'info' })
  writeFileSync(path, '{\n  "spare": 300 }')
  expect(await glovebox(['config', 'check', path], env).ended).toMatchObject({
    code: 2,
    stdout: '',
    stderr: `glovebox: ${path}:2: 'spare' must be a whole number from 0 to 64, got 300 [ERR_CONFIG]\n`,
  })
})

test('every option has a flag, those of channels too', async () => {
  const { stdout: help } = await glovebox(['serve', '--help'], env).ended
  const { properties } = JSON.parse(readFileSync('schema/config.schema.json', 'utf8')) as {
    readonly properties: Readonly<Record<string, { readonly minimum?: number }>>
  }
  const keys = Object.keys(properties).filter((key) => key !== '$schema')
  const flagOf = (key: string): string => `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
  expect(keys.filter((key) => !help.includes(`  ${flagOf(key)} <`))).toEqual([])
  const limits = keys.filter((key) => /^max(Output|Depth|Source|Console|ConsoleLines|HostCalls|HostCallsInFlight|Contexts)$/.test(key))
  expect(limits.length).toBe(8)
  writeFileSync(path, '{}')
  const given = limits.flatMap((key) => [flagOf(key), String(properties[key]?.minimum)])
  const { stdout } = await glovebox(['config', 'print', path, ...given], env).ended
  for (const key of limits) expect(stdout).toMatch(new RegExp(`\\n${key} +${properties[key]?.minimum} +flag\\n`))
  expect(await glovebox(['serve', '--max-depth', '0'], env).ended).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("option 'maxDepth' must be a whole number from 1 to") as string,
  })
})

test('SIGHUP: the log says what changed; what cannot change waits; errors change nothing', async () => {
  const socket = join(directory.path, 'gb', 'd.sock')
  writeFileSync(path, JSON.stringify({ socket, timeout: 100, spare: 1 }))
  await using daemon = glovebox(['serve', '--config', path], env)
  await daemon.says(/listens on .*\n/)
  await using before = await connect({ socket })
  expect((await rejection(before.run('for (;;);'))).message).toMatch(/deadline of 100 ms/)
  writeFileSync(path, JSON.stringify({ socket, timeout: 50, spare: 2 }))
  daemon.signal('SIGHUP')
  await daemon.says(/configuration read again\n/)
  await daemon.says(/"option":"timeout","from":100,"to":50,"needsRestart":false,"msg":"option changed"/)
  await daemon.says(/"option":"spare","from":1,"to":2,"needsRestart":true/)
  await using after = await connect({ socket })
  expect((await rejection(after.run('for (;;);'))).message).toMatch(/deadline of 50 ms/)
  writeFileSync(path, '{ "timeout": 0 }')
  daemon.signal('SIGHUP')
  await daemon.says(/config\.json:1: 'timeout' must be .*\[ERR_CONFIG\]\nglovebox: the old configuration stays\n/)
  expect(await after.run('1')).toBe(1)
})
