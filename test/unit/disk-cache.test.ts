import { mkdirSync, readdirSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { CompileAnswer } from '../../src/client/compiler/compiler-channel.ts'
import { DiskCache } from '../../src/client/compiler/disk-cache.ts'
import { temporaryDirectory } from '../support/daemons.ts'

let directory: ReturnType<typeof temporaryDirectory>
beforeEach(() => {
  directory = temporaryDirectory()
})
afterEach(() => directory[Symbol.dispose]())

const KIB = 1024
const LONG_AGO = new Date(2_020, 1)
const hashOf = (n: number): string => n.toString(16).padStart(64, '0')
const answerOf = (n: number, size = KIB): CompileAnswer => ({
  type: 'compiled',
  request: 7,
  hash: Buffer.from(hashOf(n), 'hex'),
  code: `code(${n})`,
  imports: [{ specifier: 'x', dynamic: false, attributes: { type: 'json' } }],
  sourceMap: '{}',
  cachedData: new Uint8Array(size).fill(n),
})
const names = (): string[] => readdirSync(directory.path).map((name) => name.replace(/^0+/, ''))

test('what was written is read, and nothing else', async () => {
  const cache = await DiskCache.open(directory.path)
  await cache.write(hashOf(1), answerOf(1))
  expect(await cache.read(hashOf(1))).toEqual({ ...answerOf(1), request: 0, hash: Uint8Array.from(Buffer.from(hashOf(1), 'hex')) })
  expect(await cache.read(hashOf(2))).toBeUndefined()
  await cache.remove(hashOf(1))
  expect(await cache.read(hashOf(1))).toBeUndefined()
})

test('all together have a bound: what was used longest ago goes first', async () => {
  const cache = await DiskCache.open(directory.path, 10 * KIB)
  for (let n = 1; n <= 8; n++) {
    await cache.write(hashOf(n), answerOf(n))
    utimesSync(join(directory.path, `${hashOf(n)}.gbx`), 1_000 + n, 1_000 + n)
  }
  expect(await cache.read(hashOf(1))).toMatchObject({ code: 'code(1)' })
  for (let n = 9; n <= 11; n++) await cache.write(hashOf(n), answerOf(n))
  expect(names().toSorted()).toEqual(['1.gbx', '6.gbx', '7.gbx', '8.gbx', '9.gbx', 'a.gbx', 'b.gbx'])
})

test('one that is larger than all may be does not stay', async () => {
  const cache = await DiskCache.open(directory.path, 10 * KIB)
  await cache.write(hashOf(1), answerOf(1, 20 * KIB))
  expect(names()).toEqual([])
})

test('what others left is counted; what is not a cache’s is not touched; what was never finished goes in time', async () => {
  const mine = join(directory.path, 'mine.txt')
  writeFileSync(mine, 'x'.repeat(50 * KIB))
  for (const name of ['old', 'new']) writeFileSync(join(directory.path, `${hashOf(5)}.gbx.${name}`), 'x'.repeat(50 * KIB))
  utimesSync(join(directory.path, `${hashOf(5)}.gbx.old`), LONG_AGO, LONG_AGO)
  const before = await DiskCache.open(directory.path, 10 * KIB)
  for (let n = 1; n <= 9; n++) await before.write(hashOf(n), answerOf(n, KIB / 2))
  const cache = await DiskCache.open(directory.path, 4 * KIB)
  await cache.write(hashOf(10), answerOf(10, KIB / 2))
  const left = names().filter((name) => name.endsWith('.gbx'))
  expect(left.length).toBeGreaterThan(1)
  expect(left.length).toBeLessThan(7)
  expect(
    names()
      .filter((name) => !name.endsWith('.gbx'))
      .toSorted(),
  ).toEqual(['5.gbx.new', 'mine.txt'])
  expect(statSync(mine).size).toBe(50 * KIB)
})

test('many writers at once leave whole files', async () => {
  const caches = await Promise.all(Array.from({ length: 8 }, async () => DiskCache.open(directory.path)))
  await Promise.all(caches.map(async (cache) => cache.write(hashOf(1), answerOf(1))))
  for (const cache of caches) expect(await cache.read(hashOf(1))).toMatchObject({ code: 'code(1)' })
  expect(names()).toEqual(['1.gbx'])
})

test.each<[title: string, put: (path: string) => void]>([
  ['a link to a device', (path) => symlinkSync('/dev/zero', path)],
  ['a link to itself', (path) => symlinkSync(path, path)],
  ['a directory', (path) => mkdirSync(path)],
])('%s in the place of a file is not read', async (_title, put) => {
  const cache = await DiskCache.open(directory.path)
  put(join(directory.path, `${hashOf(1)}.gbx`))
  expect(await cache.read(hashOf(1))).toBeUndefined()
  await cache.write(hashOf(1), answerOf(1))
  await cache.write(hashOf(2), answerOf(2))
  expect(await cache.read(hashOf(2))).toMatchObject({ code: 'code(2)' })
})

test('two boxes of one process may write the same at the same time', async () => {
  const caches = [await DiskCache.open(directory.path), await DiskCache.open(directory.path)]
  // Large, so that one still writes when the other begins.
  for (let n = 1; n <= 5; n++) {
    await Promise.all(caches.map((cache) => cache.write(hashOf(n), answerOf(n, 4 * KIB * KIB))))
    for (const cache of caches) expect(await cache.read(hashOf(n))).toMatchObject({ code: `code(${n})` })
  }
  expect(names()).toHaveLength(5)
})
