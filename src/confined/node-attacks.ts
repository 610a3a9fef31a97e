import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import inspector from 'node:inspector'
import { createServer } from 'node:net'
import { WASI } from 'node:wasi'
import { Worker } from 'node:worker_threads'
import type { NodeAttack } from '../confinement/self-attack.ts'

/** Free of the file system: the attempt must fail for want of a permission, not of a file. */
const SOME_FILE = '/etc/passwd'

/** What a guest with full JavaScript in the main realm would try first. */
export const NODE_ATTACKS: readonly NodeAttack[] = [
  { name: 'node:fs reads a file', attempt: () => readFileSync(SOME_FILE) },
  { name: 'node:fs writes a file', attempt: () => writeFileSync('/dev/null', '') },
  { name: 'node:child_process', attempt: () => spawnSync('/bin/true') },
  { name: 'node:worker_threads', attempt: () => new Worker('', { eval: true }) },
  { name: 'node:wasi', attempt: () => new WASI({ version: 'preview1' }) },
  { name: 'node:inspector', attempt: () => inspector.open(0, '127.0.0.1') },
  { name: 'node:net listens', attempt: () => createServer().listen('/tmp/glovebox-self-attack.sock') },
  { name: 'native addon', attempt: () => process.dlopen({ exports: {} }, '/tmp/glovebox-self-attack.node') },
  {
    name: 'node:ffi opens a library',
    attempt: () =>
      (process.getBuiltinModule('node:ffi') as unknown as { dlopen(name: null, signatures: object): unknown }).dlopen(null, {}),
  },
]
