import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { DaemonError } from '../../src/daemon/daemon-error.ts'
import { readPolicy } from '../../src/daemon/tenants/policy-file.ts'
import { findToken, hashOf, makeToken } from '../../src/daemon/tenants/token.ts'
import { temporaryDirectory } from '../support/daemons.ts'

const directory = temporaryDirectory()
const path = join(directory.path, 'policy.json')
afterAll(() => directory[Symbol.dispose]())

const HASH = hashOf('a token')

function refusal(text: string): string {
  writeFileSync(path, text)
  try {
    readPolicy(path)
  } catch (error) {
    if ((error as DaemonError).code !== 'ERR_POLICY') throw error
    return (error as Error).message.replace(`${path}:`, 'line ').replace(path, 'the file')
  }
  return 'accepted'
}

test('a policy with everything in it', () => {
  writeFileSync(
    path,
    `{
      // Comments and trailing commas may stand here.
      "tenants": {
        "acme": { "tokens": ["${HASH}"], "limits": { "timeout": 100, "maxTimeout": 100, "maxWorkers": 2, "memory": "64M" }, "trust": "tenant" },
        "user-1.a": { "uids": [1000, 0] },
        "nobody": {},
      },
    }`,
  )
  expect(readPolicy(path).tenants).toEqual({
    acme: { tokens: [HASH], limits: { timeout: 100, maxTimeout: 100, maxWorkers: 2, memory: 64 * 1024 * 1024 }, trust: 'tenant' },
    'user-1.a': { uids: [1000, 0] },
    nobody: {},
  })
})

test.each<[title: string, text: string, message: string]>([
  ['nothing', '', 'line 1: is empty'],
  ['no JSON', '{\n  "tenants": {\n    acme\n', 'line 3: is no JSON: InvalidSymbol'],
  ['another kind', '[]', 'line 1: must be an object'],
  ['no tenants', '{}', "line 1: 'tenants' is missing, got {}"],
  ['an unknown key', '{ "tenants": { "a": {\n "limit": {} } } }', "line 2: 'tenants.a.limit' is not an option, got {}"],
  ['a key twice', '{ "tenants": { "a": {},\n "a": {} } }', "line 2: 'a' stands twice"],
  [
    'a name',
    '{ "tenants": {\n "../a": {} } }',
    "line 2: 'tenants.../a' a tenant has a name of 1 to 64 letters, digits, dots, dashes and underscores, got {}",
  ],
  ['__proto__', '{ "tenants": {\n "__proto__": {} } }', "line 2: '__proto__' is not an option"],
  [
    'a token itself',
    '{ "tenants": { "a": {\n "tokens": [ "secret" ] } } }',
    `line 2: 'tenants.a.tokens.0' must be 'sha256:' and 64 hexadecimal digits; 'glovebox token' makes one, got "secret"`,
  ],
  [
    'a limit',
    '{ "tenants": { "a": { "limits": {\n "timeout": 0 } } } }',
    "line 2: 'tenants.a.limits.timeout' must be a whole number from 1 to 3600000, got 0",
  ],
  [
    'a limit of another kind',
    '{ "tenants": { "a": { "limits": {\n "maxWorkers": "2" } } } }',
    `line 2: 'tenants.a.limits.maxWorkers' must be a whole number from 1 to 256, got "2"`,
  ],
  [
    'a default over the longest',
    '{ "tenants": { "a": { "limits": {\n "timeout": 10, "maxTimeout": 5 } } } }',
    "line 2: 'tenants.a.limits.timeout' is over 'maxTimeout', got 10",
  ],
  [
    'a user of two tenants',
    '{ "tenants": { "a": { "uids": [1] },\n "b": { "uids": [2, 1] } } }',
    "line 2: 'tenants.b.uids.1' names tenant 'a' already, got 1",
  ],
  [
    'a token of two tenants',
    `{ "tenants": { "a": { "tokens": ["${HASH}"] },\n "b": { "tokens": ["${HASH}"] } } }`,
    `line 2: 'tenants.b.tokens.0' names tenant 'a' already, got "${HASH.slice(0, 38)}…`,
  ],
])('refused whole: %s', (_title, text, message) => {
  expect(refusal(text)).toBe(message)
})

test('a file that others may change is refused', () => {
  writeFileSync(path, '{ "tenants": {} }')
  chmodSync(path, 0o666)
  expect(() => readPolicy(path)).toThrow(/^others may write to the policy .*; 'chmod go-w /)
  chmodSync(path, 0o600)
  expect(() => readPolicy(join(directory.path, 'none.json'))).toThrow(/cannot be read: ENOENT/)
})

test('tokens', () => {
  const [a, b] = [makeToken(), makeToken()]
  expect(a.token).not.toBe(b.token)
  expect(a.hash).toBe(hashOf(a.token))
  const known = [
    [a.hash, 'a'],
    [b.hash, 'b'],
  ] as const
  expect([findToken(a.token, known), findToken(b.token, known), findToken(a.hash, known), findToken('', known)]).toEqual([
    'a',
    'b',
    undefined,
    undefined,
  ])
})
