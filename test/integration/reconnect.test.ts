import { join } from 'node:path'
import { connect, type ConnectOptions } from 'glovebox'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startDaemonWithWorker } from '../../dist/daemon/start-daemon.js'
import { temporaryDirectory } from '../support/daemons.ts'
import { rejection } from '../support/eventually.ts'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()

let directory: ReturnType<typeof temporaryDirectory>
let socket: string
beforeEach(() => {
  directory = temporaryDirectory()
  socket = join(directory.path, 'd.sock')
})
afterEach(() => directory[Symbol.dispose]())

const start = async () => startDaemonWithWorker({ socket, logLevel: 'silent' }, undefined)
const summary = (error: Error & { readonly code?: string }) => [error.constructor.name, error.code]
const open = async (options: ConnectOptions = {}) => connect({ socket, ...options })

test('after a restart calls go on by themselves; contexts are lost', async () => {
  const first = await start()
  await using box = await open()
  const ctx = await box.createContext({ kept: 1 })
  const preset = await box.definePreset({ source: 'var ready = 42' })
  const script = await box.compile('kept', { filename: 'kept.js' })
  await first[Symbol.asyncDispose]()
  const waiting = box.run('1 + 1')
  await using second = await start()
  expect(await waiting).toBe(2)
  expect(summary(await rejection(ctx.run('1')))).toEqual(['ContextLostError', 'ERR_CONTEXT_LOST'])
  await using again = await box.createContext({ kept: 2 }, { globals: preset })
  expect([await again.run(script), await again.run('ready')]).toEqual([2, 42])
  const { code } = await box.compile('1 + 2')
  expect(code).toBe('1 + 2')
  expect(second.socket).toBe(socket)
})

test('a call under way when the daemon goes fails, and is not made again', async () => {
  const first = await start()
  await using box = await open()
  const running = rejection(box.run('new Promise(() => {})', { timeout: 60_000 }))
  await box.status()
  await first[Symbol.asyncDispose]()
  expect((await running).constructor.name).toBe('ConnectionError')
  await using _second = await start()
  expect(await box.run('2')).toBe(2)
})

test('calls wait for a daemon for so long, and then fail; the next one tries again', async () => {
  const first = await start()
  await using box = await open({ reconnect: 200 })
  await box.run('1')
  await first[Symbol.asyncDispose]()
  const startedMs = performance.now()
  const errors = await Promise.all([rejection(box.run('1')), rejection(box.createContext()), rejection(box.status())])
  expect(errors.map(summary)).toEqual(Array.from({ length: 3 }, () => ['ConnectionError', 'ERR_CONNECTION']))
  expect(performance.now() - startedMs).toBeGreaterThan(80)
  await using _second = await start()
  expect(await box.run('2')).toBe(2)
})

test('without reconnect they fail at once', async () => {
  const first = await start()
  await using box = await open({ reconnect: 0 })
  await first[Symbol.asyncDispose]()
  expect(summary(await rejection(box.run('1')))).toEqual(['ConnectionError', 'ERR_CONNECTION'])
})

test('disposed while it looks for a daemon', async () => {
  const first = await start()
  const box = await open({ reconnect: 60_000 })
  await first[Symbol.asyncDispose]()
  const waiting = rejection(box.run('1'))
  await box.dispose()
  expect(summary(await waiting)).toEqual(['ConnectionError', 'ERR_DISPOSED'])
  expect(summary(await rejection(box.run('1')))).toEqual(['ConnectionError', 'ERR_DISPOSED'])
})

test('many clients come back', async () => {
  const first = await start()
  const boxes = await Promise.all(Array.from({ length: 50 }, async () => open()))
  await Promise.all(boxes.map(async (box) => box.status()))
  await first[Symbol.asyncDispose]()
  const waiting = boxes.map(async (box) => box.status())
  await using _second = await start()
  expect(await Promise.all(waiting)).toHaveLength(50)
  await Promise.all(boxes.map(async (box) => box.dispose()))
})
