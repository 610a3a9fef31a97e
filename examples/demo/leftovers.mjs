import assert from 'node:assert/strict'

/** Disposes the box and looks for what is left of it. */
export async function leftovers(box, narrator) {
  narrator.section('The end')
  const { daemon, workers } = await box.status()
  await narrator.step('the box is disposed; no process is left', async (see) => {
    await box.dispose()
    // One that is being started has no pid yet.
    const pids = [daemon.pid, ...workers.flatMap(({ pid }) => pid ?? [])]
    for (const pid of pids) assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
    see(`a daemon and ${pids.length - 1} workers are gone`)
  })
}
