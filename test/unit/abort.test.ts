import { expect, test } from 'vitest'
import { unlessAborted } from '../../src/client/abort.ts'

test.for([0, 1, 2, 3])('what is waited for is either had or unwanted, when it is there %s turns before it is aborted', async (turns) => {
  const controller = new AbortController()
  const unwanted: string[] = []
  const { promise, resolve } = Promise.withResolvers<string>()
  const had = unlessAborted(promise, controller.signal, (late) => unwanted.push(late)).then(
    (value) => [value],
    () => [],
  )
  resolve('a lane')
  for (let turn = 0; turn < turns; turn++) await Promise.resolve()
  controller.abort()
  expect([...(await had), ...unwanted]).toEqual(['a lane'])
})

test('a signal that was aborted before is heard', async () => {
  const unwanted: string[] = []
  const had = unlessAborted(Promise.resolve('a lane'), AbortSignal.abort('no more'), (late) => unwanted.push(late))
  expect(await had.catch((reason: unknown) => reason)).toBe('no more')
  expect(unwanted).toEqual(['a lane'])
})
