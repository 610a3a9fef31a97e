/**
 * The one object that the worker and its realm side share: an object of the guest's realm without a prototype, sealed before guest code runs and never reachable by it. The
 * worker only reads and writes its own data properties; the values in it are primitives, but for the fields named HOSTILE.
 */
export interface RealmRecord {
  /** What the next step does. */
  op: Op
  /** How the step ended. */
  status: Status
  run: number
  name: string
  /** HOSTILE: a guest value on its way from an evaluate to the step that encodes it. */
  value: unknown
  /** Bytes of the encoded result in {@link RealmRecord.output}; for `Op.reserve` the bytes wanted. */
  length: number
  /** Failures of ours: an error code's number, and its message. */
  code: number
  message: string
  /** Runs whose promise has settled and whose outcome waits to be taken. */
  settled: number
  /** Whether clean-up callbacks wait: {@link Op.drain} runs them. */
  cleanups: boolean
  maxOutput: number
  maxDepth: number
  /** Buffers of the guest's realm that the guest cannot reach. The worker sees them through views of its own. */
  input: Uint8Array
  output: Uint8Array
}

export const Op = {
  /** Encodes `value`, the completion value of `run`, or waits for it if it is a promise. */
  settle: 0,
  /** Encodes `value`, which the guest threw. */
  thrown: 1,
  /** Encodes the outcome of the next run whose promise settled. */
  take: 2,
  get: 3,
  set: 4,
  delete: 5,
  globals: 6,
  /** Calls the function named `name` with the arguments in `input`. */
  call: 7,
  /** Defines each entry of the object in `input` as a global. */
  define: 8,
  /** Makes `input` at least `length` bytes large. */
  reserve: 9,
  /** Does nothing: lets microtasks run that were queued from outside, and clean-up jobs. */
  drain: 10,
  /** Forgets a run that waits for its promise. */
  forget: 11,
} as const
export type Op = (typeof Op)[keyof typeof Op]

export const Status = {
  /** The result is in `output`. */
  done: 0,
  /** What the guest threw is in `output`. */
  threw: 1,
  /** The run waits for a promise. */
  pending: 2,
  /** Failed for a reason of ours: see `code` and `message`. */
  failed: 3,
} as const
export type Status = (typeof Status)[keyof typeof Status]
