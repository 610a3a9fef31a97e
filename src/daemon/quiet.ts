import type { WorkerProcess } from './worker-process.ts'

/** How often a draining daemon looks whether all is quiet, in milliseconds. */
const LOOK_MS = 25

/** Resolves when no worker has a run, after `withinMs` at the latest. */
export async function untilQuiet(workers: () => Iterable<WorkerProcess>, withinMs: number): Promise<void> {
  const until = performance.now() + withinMs
  await quietOnce(workers, until)
  // A run that was on its way when a worker said that it has none has been read by the time it says so again.
  await quietOnce(workers, until)
}

async function quietOnce(workers: () => Iterable<WorkerProcess>, until: number): Promise<void> {
  // What they said last is old.
  for (const worker of workers()) worker.waitingRuns = 1
  while (performance.now() < until && [...workers()].some(isBusy)) {
    for (const worker of workers()) worker.send({ type: 'ping', sequence: 0 })
    await new Promise((resolve) => {
      setTimeout(resolve, LOOK_MS)
    })
  }
}

function isBusy(worker: WorkerProcess): boolean {
  return worker.state.type === 'bound' && (worker.readHeartbeat().deadlineMs !== 0 || worker.waitingRuns !== 0)
}
