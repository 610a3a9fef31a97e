import type { Scale } from '../peers/scaled.ts'

/** How figures change while one thing grows. */
export interface Curve {
  readonly id: string
  readonly title: string
  /** What grows. */
  readonly of: keyof Scale
  /** All the rest, which stays. */
  readonly setup: string
  readonly points: readonly number[]
  /** Runs under way while throughput is measured. */
  readonly inFlight: (point: number) => number
}

const IN_FLIGHT = 64
/** Bytes that may be under way at once, each way. */
const BYTES_IN_FLIGHT = 16 * 1_024 * 1_024

const KIB = 1_024
const MIB = 1_024 * KIB

export const curves: readonly Curve[] = [
  {
    id: 'clients',
    title: 'clients',
    of: 'clients',
    setup: 'each has a connection and a context, all of them in one worker and called in turn from one process',
    points: [1, 10, 100, 300, 1_000],
    inFlight: () => IN_FLIGHT,
  },
  {
    id: 'contexts',
    title: 'contexts',
    of: 'contexts',
    setup: 'of one client in one worker, called in turn',
    points: [1, 10, 100, 1_000, 5_000],
    inFlight: () => IN_FLIGHT,
  },
  {
    id: 'payload',
    title: 'bytes of a payload',
    of: 'payload',
    setup: "bytes that go into a guest's function and come out again; 64 in flight, or as many as come to 16 MiB",
    points: [16, 256, 4 * KIB, 64 * KIB, MIB, 16 * MIB, 64 * MIB],
    inFlight: (bytes) => Math.max(1, Math.min(IN_FLIGHT, Math.floor(BYTES_IN_FLIGHT / bytes))),
  },
  {
    id: 'workers',
    title: 'workers',
    of: 'workers',
    setup: 'of one client, a context in each, called in turn',
    points: [1, 2, 4, 8],
    inFlight: () => IN_FLIGHT,
  },
]
