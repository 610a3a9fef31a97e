import assert from 'node:assert/strict'
import { ContextLostError, WorkerCrashError } from 'glovebox'

/** A worker is killed from outside, while it runs. */
export async function death(box, narrator) {
  narrator.section('A worker dies')
  const context = await box.createContext({ state: 'precious' })
  const running = context.run('for (;;);', { timeout: 5_000 })
  // What it rejects with is looked at below.
  running.catch(() => undefined)
  const { workers } = await box.status()
  const victims = workers.filter(({ state }) => state === 'bound')

  await narrator.step('SIGKILL from outside, in the middle of a run', async (see) => {
    for (const { pid } of victims) kill(pid)
    while ((await box.status()).workers.some(({ pid }) => victims.some((victim) => victim.pid === pid)));
    see(`pid ${victims.map(({ pid }) => pid).join(', ')}`)
  })
  await narrator.step('the run is told why', async (see) => {
    const error = await running.then(assert.fail, (reason) => reason)
    assert.ok(error instanceof WorkerCrashError)
    assert.equal(error.report.signal, 'SIGKILL')
    see(error.message)
  })
  await narrator.step('later calls are told that the context is lost', async (see) => {
    await assert.rejects(context.get('state'), ContextLostError)
    see('ContextLostError')
  })
  await narrator.step('the next run has another worker already', async (see) => {
    assert.equal(await box.run('6 * 7'), 42)
    const { workers, deaths } = await box.status()
    const killed = new Set(victims.map(({ pid }) => pid))
    const successor = workers.find(({ state, pid }) => state === 'bound' && !killed.has(pid))
    assert.ok(successor !== undefined)
    assert.deepEqual([...new Set(deaths.map(({ signal }) => signal))], ['SIGKILL'])
    see(`worker ${successor.worker}, pid ${successor.pid}`)
  })
}

/** One that was for a single run may have ended by itself in the meantime. */
function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (error.code !== 'ESRCH') throw error
  }
}
