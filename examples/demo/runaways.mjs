import assert from 'node:assert/strict'
import { TimeoutError } from 'glovebox'

/** Deadline of each run-away, in milliseconds, and how late it may be told on the busiest machine: a worker that does not end a run within half a second of grace is killed. */
const DEADLINE_MS = 100
const LATE_MS = 500

const RUNAWAYS = {
  'a loop': 'state++; for (;;);',
  'a loop after an await': '(async () => { state++; await null; for (;;); })()',
  'a flood of microtasks': 'state++; (function again() { Promise.resolve().then(again) })()',
  'a regular expression that backtracks': `state++; /^(a+)+$/.test('a'.repeat(50) + 'b')`,
}

/** Code that never ends, four ways, in one context. */
export async function runaways(box, narrator) {
  narrator.section(`Run-aways, each with a deadline of ${DEADLINE_MS} ms, in one context`)
  await using context = await box.createContext({ state: 0 })
  let stopped = 0
  for (const [name, code] of Object.entries(RUNAWAYS)) {
    await narrator.step(`${name} is stopped`, async (see) => {
      const startedMs = performance.now()
      await assert.rejects(context.run(code, { timeout: DEADLINE_MS }), TimeoutError)
      const ms = performance.now() - startedMs
      assert.ok(ms >= DEADLINE_MS - 1 && ms < DEADLINE_MS + LATE_MS, `stopped after ${ms} ms`)
      assert.equal(await context.get('state'), ++stopped)
      assert.equal(await context.run('6 * 7'), 42)
      see(`state ${stopped}, next run fine`)
    })
  }
  await narrator.step('all in the same process, which is alive', async (see) => {
    const { deaths } = await box.status()
    assert.deepEqual(deaths, [])
    see('0 workers died')
  })
}
