/**
 * The one object that the worker and its realm side share: an object of the guest's realm without a prototype, sealed before guest code runs and never reachable by it. The
 * worker only reads and writes its own data properties; the values in it are primitives, but for the fields named HOSTILE and the buffers.
 */
export interface RealmRecord {
  /** What the next step does. */
  op: Op
  /** How the step ended. */
  status: Status
  /** Number of the run that the step is for. */
  run: number
  /** The run that what is evaluated now belongs to, for the client; 0 if there is none. */
  origin: number
  /** Number of a host call: of the one that is waited for, or for `Op.answer` of the one that has its answer, and 0 once that is taken. */
  call: number
  /** Host calls so far. The worker sets it back when a run starts while nothing else is pending. */
  calls: number
  name: string
  /** HOSTILE: a guest value on its way from an evaluate to the step that encodes it. With `Status.primitive`, and from the worker, a primitive; with `Status.threw` the SyntaxError whose place is wanted, if it is one. */
  value: unknown
  /** The value that came with a request was not read yet. The worker says that there is one. */
  unread: boolean
  /** Bytes of the encoded result in {@link RealmRecord.output}, or of what the worker put into {@link RealmRecord.input}; for `Op.reserve` the bytes wanted. */
  length: number
  /**
   * What the worker answers in the middle of an evaluate: a primitive, or how many bytes are in {@link RealmRecord.input}. Not in `value` and `length`: jobs that ask for something run
   * after the step, when its outcome is there already. HOSTILE where a module is asked about: its namespace, a function, or what V8 threw.
   */
  reply: unknown
  replyLength: number
  /** What is asked about a module: its number, and for one that is made the symbol by which V8 names it. */
  module: number
  moduleId: symbol | undefined
  /** What a service is asked about: the name of a library, or of a member of a URL; a text, and another. */
  asked: string
  askedText: string
  askedOther: string | undefined
  /** Failures of ours: an error code's number, and its message. For `Op.answer`, an {@link Answer}; for `Op.placed`, the excerpt. */
  code: number
  message: string
  /** The limit that a failure is about, '' if it is about none; what it is set to, and what was seen. */
  limit: string
  configured: number
  observed: number
  /** Bits of {@link ATTENTION}: what the worker has to see to once guest code has come to a rest. */
  attention: number
  /** Runs whose promise has settled and whose outcome waits to be taken. */
  settled: number
  /** Timers, host calls without an answer, and promises that V8 settles from outside. */
  busy: number
  /** Of these, the last: they go on only in a later evaluate. */
  outside: number
  /** When the next timer is due, in milliseconds since 1970; 0 for at once, Infinity if there is none. */
  timerAt: number
  /** Functions of this realm that the client holds, and the client's that this realm holds. */
  exported: number
  imported: number
  /** Of those exported, the ones for which a context goes on that was made for one run. */
  lasting: number
  /** The result that the step wrote holds functions. If the step is ended after that, the result is not sent, and {@link Op.takeBack} has to follow. */
  holdsFunctions: boolean
  /** The function whose answer is waited for in the middle of an evaluate. It may end there, so nothing sets this back. */
  calling: string
  /** The function whose promise is not settled yet, or one of them; '' if there is none. */
  waitingFor: string
  /** Number of the context on its channel, for the messages in the outbox. */
  context: number
  /** Limits of the context: {@link ChannelLimits}. */
  maxOutput: number
  maxDepth: number
  /** Neither functions nor what is made of them may cross: the context has several clients. */
  dataOnly: boolean
  maxConsole: number
  maxConsoleLines: number
  maxCallsInFlight: number
  /** How far {@link RealmRecord.calls} may go: lower than the context's limit while a run has one of its own. */
  maxCalls: number
  /** Bytes and levels of the result of the run at work. */
  maxResult: number
  maxResultDepth: number
  /** Buffers of the guest's realm that the guest cannot reach. The worker sees them through views of its own. */
  input: Uint8Array
  output: Uint8Array
  /** Whole frames for the client. The worker takes them and sets the length back to 0. */
  outbox: Uint8Array
  outboxLength: number
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
  /** Calls the function with the handle `code` with the arguments in `input`. */
  invoke: 12,
  /** The host call numbered `run` has its answer: see {@link Answer}. */
  answer: 13,
  /** Runs the next timer that is due. */
  timer: 14,
  /** Puts into the outbox what the client should hear of: unhandled rejections, handles given back. */
  report: 15,
  /** The client gives back handles: ids and counts in turns, as 32-bit numbers in `input`. */
  release: 16,
  /** The inputs of the `many` run `run` are in `input`, its source is `name`. `code` is then how many there are. */
  manyBegin: 17,
  /** `value` is what the script of a `many` run gave for its first input. `code` is then 1 if it is a function to call, and 0 if it is an outcome, which was settled as any. */
  manyFirst: 18,
  /** Goes through the next inputs: see ManyRuns.slice. */
  manySlice: 19,
  /** The `many` run is over. */
  manyEnd: 20,
  /** As `thrown`, of the SyntaxError that a step gave back: its stack begins with the excerpt in `message`. */
  placed: 21,
  /** Before any code of the guest's: the realm does the same each time, as the JSON in `name` says. */
  deterministic: 70,
  /** Lets the virtual clock go on by `value` milliseconds. While `code` is then 1, `advanceOn` does more of that: each step runs one timer. The result is the time. */
  advance: 71,
  advanceOn: 72,
  /** Reads the value in `input`, which nobody wants: the functions in it count as held until they are given back. */
  discard: 22,
  /** The step before was ended, and what it gave is not sent: nobody holds the functions in it. */
  takeBack: 23,
  /** Imports a module for `run`: specifier and lookups are in `input`. */
  import: 30,
  /** Keeps the lookups in `input`, for what `import()` in a script asks for. */
  modules: 31,
  /** Gives the number of the next module to be evaluated in `module`; 0 if there is none. */
  nextModule: 32,
  /** That module has been entered: `value` is the promise that V8 gave, or with `code` 1 what it threw, or with 2 nothing, because a deadline ended it. */
  entered: 33,
  /** The globals are kept in step with an object of the client's: brings them in step by the delta in `input`. */
  hear: 60,
  /** As `settle`; the result is a delta with the value. */
  tell: 61,
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
  /** The result is a primitive, in `value`. */
  primitive: 4,
} as const
export type Status = (typeof Status)[keyof typeof Status]

export const ATTENTION = {
  outbox: 1,
  timers: 2,
  /** {@link Op.report} has something to say. */
  report: 4,
  /** {@link Op.drain} has clean-up callbacks to run. */
  cleanups: 8,
  settled: 16,
  /** There is something outside to wait for. */
  outside: 32,
  /** Modules wait to be evaluated, which takes an evaluate of its own. */
  modules: 64,
} as const

/** How a host call was answered: the worker's word to the realm side. */
export const Answer = {
  /** A primitive, in `reply`; in `value` if it answers a call that was not waited for. */
  primitive: 0,
  /** The encoded value is in `input`. */
  returned: 1,
  /** What the host threw is in `input`, encoded. */
  raised: 2,
  /** The host function gave a promise: another answer follows. */
  promised: 3,
  /** There is an answer of `replyLength` bytes, for which `input` is too small. */
  larger: 4,
  /** The run ends here: a signal is on its way. */
  end: 5,
  /** The client does not read what it was sent; what a module is asked for goes against a limit, which `reply` tells. */
  refused: 6,
} as const
export type Answer = (typeof Answer)[keyof typeof Answer]

/** What the realm side asks of the worker from inside an evaluate. */
export const Request = {
  /** Send the outbox, whose last frame is the host call `run`, and wait for its answer. */
  call: 0,
  /** The answer that was too large for `input`. */
  fetch: 1,
  /** Send the outbox. */
  flush: 2,
  /** Services of the worker's own. Monotonic milliseconds, and the time since 1970 at which they were 0. */
  now: 3,
  timeOrigin: 4,
  /** `replyLength` random bytes, into `input`. */
  random: 5,
  /** Parse `askedText` with the base `askedOther`; set the member `asked` of the URL `askedText` to `askedOther`. */
  parseUrl: 6,
  updateUrl: 7,
  /** The script of the web library `asked`. */
  library: 8,
  /** Modules, all by their number. Compile `askedText` under the name `asked`: the number is the `reply`. */
  compileModule: 30,
  /** What it imports, as JSON: a list of specifier, `type`, and another attribute's name or phase that is not known. */
  moduleRequests: 31,
  /** Link it to the modules whose numbers are in `askedText`, as JSON. */
  linkModule: 32,
  instantiateModule: 33,
  moduleNamespace: 34,
  /** Make a function of the source `askedText` under the name `asked`, with the parameters of a CommonJS module. */
  compileCommonJs: 35,
  /** The names that the CommonJS source `askedText` exports, and the modules whose exports it passes on, as JSON. */
  commonJsExports: 36,
  /** Where an error that V8 made of a module's source was made, as an excerpt; undefined if V8 does not know. About the last one. */
  errorExcerpt: 37,
  /** Whether V8 gave it up: it threw, or a deadline ended it. */
  moduleFailed: 38,
} as const
export type Request = (typeof Request)[keyof typeof Request]

/** Asks the worker. A function of the moat's realm: primitives in, a number out. Negative if the stack is used up. */
export type Bridge = (request: Request) => number

/** What V8 says of a promise: v8::PromiseRejectEvent. */
export const PROMISE_EVENT = { rejected: 0, handled: 1 } as const
