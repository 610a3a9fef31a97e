import { readFileSync } from 'node:fs'
import { release } from 'node:os'
import { expect, test } from 'vitest'
import { boundWorker, testDaemon } from '../support/daemons.ts'
import { checkLeaks } from '../support/leaks.ts'

checkLeaks()

/** Nanoseconds of a turn of a process's main thread; undefined where the kernel does not tell. */
function sliceOf(pid: number | 'self'): number | undefined {
  try {
    const found = /^se\.slice\s*:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/sched`, 'utf8'))?.[1]
    return found === undefined ? undefined : Number(found)
  } catch {
    return undefined
  }
}

const [major = 0, minor = 0] = release().split('.').map(Number)
const reason =
  major * 100 + minor < 612
    ? `Linux ${release()} has no slices of one's own (6.12 has)`
    : sliceOf('self') === undefined
      ? 'this kernel does not tell slices'
      : undefined

test(`workers take turns of 10 ms, and give way to those with shorter ones${reason === undefined ? '' : `: ${reason}`}`, async (context) => {
  if (reason !== undefined) context.skip(reason)
  await using daemon = await testDaemon({ spare: 0 })
  await using box = await daemon.connect()
  await box.run('1')
  expect(sliceOf(await boundWorker(box))).toBe(10_000_000)
  expect(sliceOf('self')).toBeLessThan(10_000_000)
})
