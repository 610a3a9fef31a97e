import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { ContextBridge } from '../../src/client/context-bridge.ts'
import { DEFAULT_CHANNEL_LIMITS } from '../../src/protocol/channel-limits.ts'
import { KIND_ABORT_SIGNAL, KIND_ASYNC_ITERABLE, KIND_READABLE_STREAM } from '../../src/protocol/values/wire-kinds.ts'

const never = (): Promise<unknown> => new Promise(() => undefined)
const bridge = (): ContextBridge =>
  new ContextBridge(1, { invoke: never, released: () => undefined }, { limits: DEFAULT_CHANNEL_LIMITS, timeoutMs: 1_000 })
const handle = (id: number) => ({ id, isAsync: false, returns: false, name: 'f' })

describe('parts that no guest of ours sends', () => {
  test.each<[string, number, (own: ContextBridge) => readonly unknown[]]>([
    ['nothing', KIND_ASYNC_ITERABLE, () => []],
    ['a value', KIND_ASYNC_ITERABLE, () => [{}]],
    ['a function of the receiver', KIND_ASYNC_ITERABLE, () => [() => undefined]],
    ['a function of the receiver for a stream', KIND_READABLE_STREAM, () => [async () => undefined]],
    ['a function of the receiver for a signal', KIND_ABORT_SIGNAL, () => [false, undefined, async () => undefined]],
    ['a handle of another context', KIND_ASYNC_ITERABLE, () => [bridge().receive(handle(1))]],
    ['an unknown kind', 99, (own) => [own.receive(handle(1))]],
  ])('%s', (_name, kind, parts) => {
    const own = bridge()
    expect(() => own.remotes.receive(kind, parts(own))).toThrow(expect.objectContaining({ code: 'ERR_MALFORMED' }))
  })

  test('a stream that comes home as something else', () => {
    const own = bridge()
    const sent = own.remotes.send(new ReadableStream()) as { readonly parts: readonly unknown[] }
    expect(() => own.remotes.receive(KIND_ASYNC_ITERABLE, sent.parts)).toThrow(expect.objectContaining({ code: 'ERR_MALFORMED' }))
  })

  test('one handle is one object', () => {
    const own = bridge()
    const parts = [own.receive(handle(7))]
    const stream = own.remotes.receive(KIND_READABLE_STREAM, parts)
    expect(stream).toBeInstanceOf(ReadableStream)
    expect(own.remotes.receive(KIND_READABLE_STREAM, parts)).toBe(stream)
  })
})

describe('a stream', () => {
  test('is locked as it is sent, and given back if the message fails', () => {
    const own = bridge()
    const stream = new ReadableStream()
    const { parts } = own.remotes.send(stream) as { readonly parts: readonly object[] }
    expect(stream.locked).toBe(true)
    expect(own.remotes.send(stream)).toBe('a ReadableStream that is locked')
    const mark = own.exported.mark()
    own.send(parts[0] as object, true)
    own.exported.rollback(mark)
    expect(stream.locked).toBe(false)
  })

  test('is cancelled when the context is gone', async () => {
    const own = bridge()
    const cancelled = Promise.withResolvers<unknown>()
    const { parts } = own.remotes.send(new ReadableStream({ cancel: cancelled.resolve })) as { readonly parts: readonly object[] }
    own.send(parts[0] as object, true)
    own.close()
    expect(await cancelled.promise).toEqual(new Error('nobody reads this stream any more'))
    expect(own.exported.open).toBe(0)
  })
})

describe('a signal', () => {
  test('that was sent is not listened to any more when the context is gone', async () => {
    const own = bridge()
    const { signal } = new AbortController()
    const listeners = (): number => getEventListeners(signal, 'abort').length
    const { parts } = own.remotes.send(signal) as { readonly parts: readonly unknown[] }
    const subscribe = parts[2] as (listener: unknown) => Promise<void>
    own.send(subscribe, true)
    await subscribe(own.receive(handle(1)))
    expect(listeners()).toBe(1)
    // The guest's was collected, and the signal was sent anew.
    await subscribe(own.receive(handle(2)))
    expect(listeners()).toBe(1)
    expect(own.guestFunctions).toBe(1)
    own.close()
    expect(listeners()).toBe(0)
    expect(own.guestFunctions).toBe(0)
  })

  test.each([5, () => undefined])('takes no listener but the peer’s: %s', async (listener) => {
    const { parts } = bridge().remotes.send(new AbortController().signal) as { readonly parts: readonly unknown[] }
    await expect((parts[2] as (listener: unknown) => Promise<void>)(listener)).rejects.toThrow('the other side gave no function')
  })
})
