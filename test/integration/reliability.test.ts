import { expect, test } from 'vitest'
import { chaos } from '../reliability/chaos.ts'
import { clients } from '../reliability/clients.ts'
import { deadlines } from '../reliability/deadlines.ts'
import { printFigures } from '../reliability/figures.ts'
import { fuzz } from '../reliability/fuzz.ts'
import { neighbours } from '../reliability/neighbours.ts'
import { soak } from '../reliability/soak.ts'
import { checkLeaks } from '../support/leaks.ts'

// Short forms of what `npm run reliability` does at length. Nothing that depends on how fast a machine is is checked.
checkLeaks()

test('chaos', { timeout: 60_000 }, async () => {
  const figures = await chaos(4)
  printFigures('chaos, 4 s', figures)
  expect(figures['workers killed']).toBeGreaterThan(5)
  expect(figures['calls that ended with ok']).toBeGreaterThan(0)
  expect(figures['calls still pending']).toBe(0)
})

test('soak', { timeout: 120_000 }, async () => {
  const figures = await soak(8_000)
  printFigures('soak, 8,000 runs', figures)
  expect(figures['contexts left']).toBe(0)
  // After a twentieth of so few runs the collectors have not yet settled.
  expect(figures["daemon's memory at the end / after a twentieth"]).toBeLessThan(2)
})

test('clients', { timeout: 120_000 }, async () => {
  const figures = await clients(50, 500)
  printFigures('clients, 50', figures)
  expect(figures).toMatchObject({ 'wrong answers': 0, 'runs pending at once': 500, 'of these answered': 500 })
  const refused = figures['runs with a process of their own: OverloadedError'] ?? 0
  expect((figures['runs with a process of their own: ok'] ?? 0) + refused).toBe(500)
  expect(figures['refusals that say when to try again, and why']).toBe(refused)
})

test('deadlines', { timeout: 120_000 }, async () => {
  const figures = await deadlines(48)
  printFigures('deadlines, 48 run-aways', figures)
  expect(figures).toMatchObject({ 'ended otherwise than by TimeoutError': 0 })
})

test('fuzz', { timeout: 120_000 }, async () => {
  const figures = await fuzz(1_000)
  printFigures('fuzz, 1,000 malformed frames on each link', figures)
  for (const link of ['client to daemon', 'client to worker', 'client to compiler'])
    expect(figures[`${link}: links closed for one`]).toBeGreaterThanOrEqual(50)
  expect(figures).toMatchObject({
    'worker to the daemon: runs that ended with WorkerCrashError': 2,
    'worker to the client: runs that ended with ProtocolError': 2,
  })
  expect(figures["daemon's memory at its peak, MiB"]).toBeLessThan(300)
})

test('neighbours', { timeout: 120_000 }, async () => {
  const figures = await neighbours(2)
  printFigures('neighbours, 2 s', figures)
  expect(figures["A's runs with B"]).toBeGreaterThan(0)
  expect(figures["B's runs that ended with TimeoutError"]).toBeGreaterThan(0)
  expect(figures["daemon's memory, at its peak, MiB"]).toBeLessThan(300)
})
