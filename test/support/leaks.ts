import { afterAll, beforeAll, expect } from 'vitest'
import { eventually } from './eventually.ts'
import { childrenOf } from './processes.ts'

/** Has the test file fail if it leaves a child process or an open handle behind. Call it once, before other hooks. */
export function checkLeaks(): void {
  let before: readonly string[] = []
  let children: readonly number[] = []
  beforeAll(() => {
    before = handles()
    children = childrenOf(process.pid)
  })
  afterAll(async () => {
    const more = (): unknown => [childrenOf(process.pid).filter((pid) => !children.includes(pid)), beyond(handles(), before)]
    // Node closes handles in a later turn than the one that destroys them.
    await eventually('an end without leaks', () => JSON.stringify(more()) === '[[],[]]').catch(() => undefined)
    expect(more(), 'children and handles that are left').toEqual([[], []])
  })
}

/** What keeps this process alive, but for timers: the test runner has its own. */
function handles(): string[] {
  return process.getActiveResourcesInfo().filter((name) => !/Timeout|Immediate|TickObject|FSReq|CloseReq/.test(name))
}

function beyond(now: readonly string[], before: readonly string[]): string[] {
  const rest = [...before]
  return now.filter((name) => {
    const at = rest.indexOf(name)
    if (at >= 0) rest.splice(at, 1)
    return at < 0
  })
}
