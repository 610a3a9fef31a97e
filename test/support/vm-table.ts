import { isDeepStrictEqual } from 'node:util'
import nodeVm from 'node:vm'
import { connect } from 'glovebox'
import { createVm, type Vm } from 'glovebox/vm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestDaemon, testDaemon } from './daemons.ts'

/** What a row may use of either: all of it is awaited. */
export type Subject = Pick<
  Vm,
  'createContext' | 'isContext' | 'runInContext' | 'runInNewContext' | 'runInThisContext' | 'compileFunction' | 'Script' | 'constants'
>

/** A row's code and, where the two differ on purpose, what comes of it here. */
export type Row = readonly [title: string, run: (vm: Subject) => Promise<unknown>, here?: unknown]

/** Runs each row on node:vm, as the control, and on glovebox/vm, and compares. */
export function table(rows: readonly Row[]): void {
  let daemon: TestDaemon
  let vm: Vm
  let dispose: () => Promise<void>
  beforeAll(async () => {
    daemon = await testDaemon()
    const box = await connect({ socket: daemon.socket })
    vm = createVm(box)
    dispose = () => box.dispose()
  })
  afterAll(async () => {
    await dispose()
    await daemon[Symbol.asyncDispose]()
  })
  test.each(rows.map((row) => ({ title: row[0], row })))('$title', async ({ row }) => {
    const [, run] = row
    const control = await run(nodeVm as unknown as Subject)
    const outcome = await run(vm)
    // What a row says that it comes to here is different from the control.
    expect(outcome).toEqual(row.length === 2 ? control : row[2])
    expect(isDeepStrictEqual(outcome, control) && row.length > 2).toBe(false)
  })
}

/** Name, code and text of what is thrown, at once or later; `'nothing'` if nothing is. */
export async function caught(run: () => unknown): Promise<unknown> {
  try {
    await run()
    return 'nothing'
  } catch (error) {
    if (typeof error !== 'object' || error === null || !('message' in error)) return { thrown: error }
    const { name, message, code, value } = error as unknown as Record<string, unknown>
    // What is no Error is the value of one here.
    if (name === 'GuestError') return { thrown: value }
    return { name, message, ...(code === undefined || code === 'ERR_GUEST' ? {} : { code }) }
  }
}
