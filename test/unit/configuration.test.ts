import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { configJsonSchema, schemaFile } from '../../scripts/config-schema.ts'
import { type ConfigurationSources, readConfiguration, usualConfigPath } from '../../src/daemon/config/configuration.ts'
import { changedOptions } from '../../src/daemon/config/changes.ts'
import { resolveDaemonOptions } from '../../src/daemon/options.ts'
import { hashOf } from '../../src/daemon/tenants/token.ts'
import { temporaryDirectory } from '../support/daemons.ts'

const directory = temporaryDirectory()
const path = join(directory.path, 'config.json')
afterAll(() => directory[Symbol.dispose]())
/** There is nothing in the usual places. */
const nowhere = { XDG_CONFIG_HOME: directory.path }

function write(text: string): string {
  writeFileSync(path, text)
  return path
}

function refusal(sources: Partial<ConfigurationSources>): string {
  try {
    readConfiguration({ environment: nowhere, flags: {}, ...sources })
  } catch (error) {
    const { code, message } = error as Error & { readonly code?: string }
    return `${code} ${message.replaceAll(directory.path, '')}`
  }
  return 'accepted'
}

test('a flag is stronger than the environment, and that than the file', () => {
  write(`{
    "$schema": "./config.schema.json",
    // Comments and trailing commas may stand here.
    "spare": 2, "max": 8,
    "timeout": 700,
    "memory": "64M",
    "policy": { "tenants": { "acme": { "weight": 2 } } },
  }`)
  const environment = {
    ...nowhere,
    GLOVEBOX_MAX: '9',
    GLOVEBOX_TIMEOUT: '800',
    GLOVEBOX_REQUIRE: 'L1, L2',
    GLOVEBOX_DRAIN: '',
    GLOVEBOX_PORT: 'tcp://',
  }
  expect(readConfiguration({ file: path, environment, flags: { timeout: 900 } })).toEqual({
    file: path,
    options: {
      spare: 2,
      max: 9,
      timeout: 900,
      memory: 64 * 1024 * 1024,
      require: ['L1', 'L2'],
      policy: { tenants: { acme: { weight: 2 } } },
    },
    origins: {
      spare: `${path}:4`,
      max: '$GLOVEBOX_MAX',
      timeout: 'flag',
      memory: `${path}:6`,
      require: '$GLOVEBOX_REQUIRE',
      policy: `${path}:7`,
    },
  })
})

test('a byte order mark is no part of the file', () => {
  expect(readConfiguration({ file: write('\ufeff{ "spare": 3 }'), environment: nowhere, flags: {} }).options).toEqual({ spare: 3 })
})

test('where the file is looked for', () => {
  expect(readConfiguration({ environment: nowhere, flags: {} })).toEqual({ file: undefined, options: {}, origins: {} })
  const usual = usualConfigPath(nowhere)
  mkdirSync(dirname(usual))
  writeFileSync(usual, '{ "spare": 3 }')
  expect(readConfiguration({ environment: nowhere, flags: {} })).toMatchObject({ file: usual, options: { spare: 3 } })
  write('{ "spare": 4 }')
  expect(readConfiguration({ environment: { ...nowhere, GLOVEBOX_CONFIG: path }, flags: {} }).options).toEqual({ spare: 4 })
  expect(usualConfigPath({})).toBe('/etc/glovebox/config.json')
  writeFileSync(usual, '{}')
})

test('paths in a file are relative to it; a policy of its own is read', () => {
  writeFileSync(join(directory.path, 'tenants.json'), '{ "tenants": {\n "a": { "weight": 0 } } }')
  write('{ "policy": "tenants.json", "socket": "gb/d.sock" }')
  expect(refusal({ file: path })).toBe("ERR_POLICY /tenants.json:2: 'tenants.a.weight' must be a whole number from 1 to 1000, got 0")
  writeFileSync(join(directory.path, 'tenants.json'), '{ "tenants": {} }')
  expect(readConfiguration({ file: path, environment: {}, flags: {} }).options).toEqual({
    policy: join(directory.path, 'tenants.json'),
    socket: join(directory.path, 'gb/d.sock'),
  })
})

describe('refused whole', () => {
  const HASH = hashOf('a token')
  test.each<[text: string, message: string]>([
    ['{\n "spares": 1 }', "/config.json:2: 'spares' is not an option, got 1"],
    ['{\n "spare": -1 }', "/config.json:2: 'spare' must be a whole number from 0 to 64, got -1"],
    ['{\n "spare": "2" }', `/config.json:2: 'spare' must be a whole number from 0 to 64, got "2"`],
    [
      '{ "memory":\n "2K" }',
      `/config.json:2: 'memory' must be a number of bytes from 33554432 to 4294967296, or such a text as '256M', got "2K"`,
    ],
    ['{ "logLevel": "loud" }', `/config.json:1: 'logLevel' must be one of 'silent', 'error', 'warn', 'info', 'debug', got "loud"`],
    ['{ "require": ["L1",\n "L9"] }', `/config.json:2: 'require.1' must be one of 'L1', 'L2', 'L3', 'L4', 'L5', got "L9"`],
    ['{ "policy": 5 }', "/config.json:1: 'policy' must be the path of a policy, or a policy, got 5"],
    [
      '{ "policy": { "tenants": { "a": {\n "limits": { "timeout": 0 } } } } }',
      "/config.json:2: 'policy.tenants.a.limits.timeout' must be a whole number from 1 to 3600000, got 0",
    ],
    [
      `{ "policy": { "tenants": { "a": { "tokens": ["${HASH}"] },\n "b": { "tokens": ["${HASH}"] } } } }`,
      `/config.json:2: 'policy.tenants.b.tokens.0' names tenant 'a' already, got "${HASH.slice(0, 38)}…`,
    ],
    [
      '{\n "metrics": "127.0.0.1:65536" }',
      `/config.json:2: 'metrics' must be '127.0.0.1:PORT', '[::1]:PORT' (a port is at most 65535) or the absolute path of a socket, got "127.0.0.1:65536"`,
    ],
    ['{\n "socketMode": "660" }', `/config.json:2: option 'socketMode' needs a 'policy' to be more than '600', got "660"`],
  ])('%s', (text, message) => {
    expect(refusal({ file: write(text) })).toBe(`ERR_CONFIG ${message}`)
  })

  test('lists within lists, without end', () => {
    expect(refusal({ file: write(`{ "max":\n ${'['.repeat(50_000)}`) })).toBe('ERR_CONFIG /config.json:2: is nested deeper than 32 levels')
  })

  test('a pipe, which nobody may ever write to', () => {
    const pipe = join(directory.path, 'pipe')
    expect(spawnSync('mkfifo', [pipe]).status).toBe(0)
    expect(refusal({ file: pipe })).toBe('ERR_CONFIG the configuration /pipe is no file')
  })

  test('a file that is not there, or that others may write to', () => {
    expect(refusal({ file: join(directory.path, 'none.json') })).toMatch(/^ERR_CONFIG the configuration \/none.json cannot be read: ENOENT/)
    chmodSync(write('{}'), 0o666)
    expect(refusal({ file: path })).toBe("ERR_CONFIG others may write to the configuration /config.json; 'chmod go-w /config.json'")
    chmodSync(path, 0o600)
    expect(refusal({ file: directory.path })).toBe('ERR_CONFIG the configuration  is no file')
  })

  test('the environment', () => {
    expect(refusal({ environment: { ...nowhere, GLOVEBOX_MAX_PER_TENANT: 'many' } })).toBe(
      'ERR_CONFIG the environment variable GLOVEBOX_MAX_PER_TENANT must be a whole number from 1 to 256, got "many"',
    )
    expect(refusal({ environment: { ...nowhere, GLOVEBOX_SOCKET_MODE: '666' } })).toBe(
      `ERR_CONFIG $GLOVEBOX_SOCKET_MODE: option 'socketMode' needs a 'policy' to be more than '600', got "666"`,
    )
  })

  test('a flag', () => {
    expect(refusal({ flags: { spare: 99 } })).toBe("ERR_INVALID_OPTION option 'spare' must be a whole number from 0 to 64, got 99")
  })
})

test('options of startDaemon()', () => {
  expect(() => resolveDaemonOptions([])).toThrow("option 'startDaemon()' takes an object of options, got an array")
  expect(() => resolveDaemonOptions({ spares: 1 })).toThrow(
    "option 'spares' is not an option of startDaemon(); it takes 'socket', 'spare', ",
  )
  expect(() => resolveDaemonOptions({ policy: { tenants: { a: { weight: 0 } } } })).toThrow(
    "option 'policy.tenants.a.weight' must be a whole number from 1 to 1000, got 0",
  )
  expect(resolveDaemonOptions({ timeout: 50, maxTimeout: 20, memory: '1G', spare: undefined })).toMatchObject({
    timeoutMs: 20,
    memoryBytes: 1024 ** 3,
    spare: 1,
  })
})

test('what changed, and what of it waits for a restart', () => {
  const before = resolveDaemonOptions({ spare: 1, timeout: 100, policy: { tenants: {} } }).options
  const after = resolveDaemonOptions({ spare: 2, timeout: 200, policy: { tenants: { a: {} } } }).options
  expect(changedOptions(before, after)).toEqual([
    { option: 'spare', from: 1, to: 2, needsRestart: true },
    { option: 'timeout', from: 100, to: 200, needsRestart: false },
  ])
})

test("the schema for editors is the daemon's own; 'node scripts/config-schema.ts' writes it again", () => {
  expect(readFileSync(schemaFile, 'utf8')).toBe(configJsonSchema())
})
