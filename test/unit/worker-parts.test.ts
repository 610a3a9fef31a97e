import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { DEFAULT_CHANNEL_LIMITS } from '../../src/protocol/channel-limits.ts'
import { MAX_TICKETS, TICKET_LIFETIME_MS } from '../../src/protocol/limits.ts'
import { Tickets } from '../../src/confined/tickets.ts'
import { fixture } from '../support/fixture.ts'

describe('tickets', () => {
  const ticket = (seed: number): Uint8Array => Uint8Array.from({ length: 16 }, (_, n) => (seed >>> (8 * (n % 4))) & 255)
  const admission = (channel: number) => ({ channel, maxTimeoutMs: 1_000, limits: DEFAULT_CHANNEL_LIMITS })

  test('each opens one channel, once', () => {
    const tickets = new Tickets(() => 0)
    tickets.announce(ticket(1), admission(1))
    tickets.announce(ticket(2), admission(2))
    expect(tickets.present(ticket(2))).toEqual(admission(2))
    expect(tickets.present(ticket(2))).toBeUndefined()
    expect(tickets.present(ticket(1))).toEqual(admission(1))
  })

  test.each<[title: string, presented: Uint8Array]>([
    ['another', ticket(8)],
    ['none', new Uint8Array(0)],
    ['its beginning', ticket(7).slice(0, 15)],
    ['it and more', Uint8Array.from([...ticket(7), 0])],
    ['one bit changed', ticket(7).map((byte, n) => (n === 15 ? byte ^ 1 : byte))],
  ])('%s is refused', (_title, presented) => {
    const tickets = new Tickets(() => 0)
    tickets.announce(ticket(7), admission(1))
    expect(tickets.present(presented)).toBeUndefined()
    expect(tickets.present(ticket(7))).toEqual(admission(1))
  })

  test.each([
    [TICKET_LIFETIME_MS - 1, true],
    [TICKET_LIFETIME_MS, false],
    [TICKET_LIFETIME_MS + 1, false],
  ])('%d ms after it was announced it is good: %s', (afterMs, good) => {
    let nowMs = 1_000
    const tickets = new Tickets(() => nowMs)
    tickets.announce(ticket(1), admission(1))
    nowMs += afterMs
    expect(tickets.present(ticket(1)) !== undefined).toBe(good)
    nowMs = 0
    expect(tickets.present(ticket(1))).toBeUndefined()
  })

  test('there are never more than the limit: the oldest goes', () => {
    const tickets = new Tickets(() => 0)
    for (let n = 0; n <= MAX_TICKETS; n++) tickets.announce(ticket(n), admission(n))
    expect(tickets.present(ticket(0))).toBeUndefined()
    expect(tickets.present(ticket(1))).toEqual(admission(1))
    expect(tickets.present(ticket(MAX_TICKETS))).toEqual(admission(MAX_TICKETS))
  })
})

test('a signal sent anew finds the thread asleep, also in a process that runs this code for the first time', () => {
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--experimental-ffi', '--no-warnings', fixture('lost-signals.ts')], {
    encoding: 'utf8',
  })
  expect([stderr, status]).toEqual(['', 0])
  const asleep = JSON.parse(stdout) as boolean[]
  expect(asleep).toHaveLength(20)
  // Each that is not is another millisecond for the guest; the kernel may take the processor away just then.
  expect(asleep.filter(Boolean).length).toBeGreaterThan(10)
})

test('the deadline timer fires, moves, stops, and says whether it had fired', () => {
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--experimental-ffi', '--no-warnings', fixture('deadline-timer.ts')], {
    encoding: 'utf8',
  })
  expect([stderr, status]).toEqual(['', 0])
  const said = JSON.parse(stdout) as Record<string, unknown>
  expect(said).toEqual({
    'fires, not before its time, and again': [true, true],
    'says that it had fired': true,
    'says that it had not fired': false,
    'moved later: does not fire at the first time': 0,
    'moved later: fires at the second': [true, true],
    'moved earlier: fires at the earlier time': true,
    'stopped: does not fire': 0,
    'stopped in time: had not fired': false,
    'stopped too late: had fired': true,
    'stopped twice: nothing': false,
    'a deadline of a tenth of a microsecond fires': true,
    'sends one at once': 1,
    'insists: fires again and again': true,
    'says that it had fired, having insisted': true,
    'armed anew: fires no more': 0,
    'stopped, having insisted: had fired': true,
    'stopped: fires no more': 0,
    'stopped twice, having insisted: nothing': false,
  })
})

test('the moat leaves V8 the fast paths that it can', () => {
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--allow-natives-syntax', fixture('moat-protectors.ts')], {
    encoding: 'utf8',
  })
  expect([stderr, status]).toEqual(['', 0])
  expect(JSON.parse(stdout)).toEqual({
    ArrayIteratorProtector: true,
    ArraySpeciesProtector: true,
    IsConcatSpreadableProtector: true,
    MapIteratorProtector: true,
    NoElementsProtector: true,
    RegExpSpeciesProtector: true,
    SetIteratorProtector: true,
    StringIteratorProtector: true,
    TypedArraySpeciesProtector: true,
    // A guest may hold a promise of the moat's, and Object.prototype is behind it: these are emptied all the same.
    PromiseSpeciesProtector: false,
    StringWrapperToPrimitiveProtector: false,
  })
})
