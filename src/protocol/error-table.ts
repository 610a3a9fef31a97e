/** One public error code, for people: the source of docs/errors.md. */
export interface ErrorEntry {
  /** The class of the error that carries it; `Error` for one that is thrown in a guest. */
  readonly type: string
  readonly meaning: string
  readonly remedy: string
  /** Fields of `report` that say more; none if the error has no report. */
  readonly report?: string
}

const TIMES = 'phase, worker, wallMs, cpuMs, peakRssBytes, hostCall, bytesOut'
const DEATH = `${TIMES}, cause, signal, exitCode, stderr, reason, channel, run`
const WAITED = 'phase, wallMs, reason'

/** What a call of the client's rejects with. */
export const RUN_ERRORS = {
  ERR_GUEST: {
    type: 'GuestError',
    meaning: 'The guest threw. Name, message, stack and properties are its own, and so is `code` if its error had one.',
    remedy: 'Look at the stack: it shows the guest’s frames.',
  },
  ERR_TIMEOUT: {
    type: 'TimeoutError',
    meaning: 'The deadline passed. The context lives on with its state, unless `report.signal` says that its worker had to be killed.',
    remedy: 'See what `report` says that it was at; raise `timeout`, or have the guest do less at a time.',
    report: `limit (timeout), configured, observed, at; ${TIMES}; of a worker that had to be killed also cause, signal, reason`,
  },
  ERR_MEMORY_LIMIT: {
    type: 'MemoryLimitError',
    meaning: 'The worker reached its limit of memory and died; its contexts are lost. `report.cause` says which memory it was.',
    remedy: 'Use less, raise `memory`, or give the guest a worker of its own.',
    report: `limit (memory), configured, observed; ${DEATH}`,
  },
  ERR_OUTPUT_LIMIT: {
    type: 'OutputLimitError',
    meaning: 'The result, or what was thrown, is larger than `maxOutput`.',
    remedy: 'Return less, or in parts: from an async iterable, or by host calls.',
    report: `limit (maxOutput), configured, observed; ${TIMES}`,
  },
  ERR_CPU_LIMIT: {
    type: 'LimitError',
    meaning:
      'The tenant has used up its processor time of the minute, and the run was ended. One that had not begun is refused with `ERR_OVERLOADED` instead.',
    remedy: 'Wait, compute less, or raise the tenant’s `cpu`.',
    report: `limit (cpu), configured, observed; ${TIMES}`,
  },
  ERR_SOURCE_LIMIT: {
    type: 'LimitError',
    meaning: 'The source has more characters than `maxSource`. Nothing ran.',
    remedy: 'Split it, or raise the limit.',
    report: 'phase, limit (maxSource), configured, observed',
  },
  ERR_CONTEXT_LIMIT: {
    type: 'LimitError',
    meaning: 'The worker holds as many contexts as it may.',
    remedy: 'Dispose of contexts that are not needed, or raise the limit or `memory`.',
  },
  ERR_CALL_DEPTH: {
    type: 'LimitError',
    meaning: 'Host functions and contexts call each other too many levels deep.',
    remedy: 'Look for a cycle between them.',
  },
  ERR_SCRIPT_REFUSED: {
    type: 'ScriptRefusedError',
    meaning: 'This script crashed several workers in a short time, and is not run for a while. Nothing was sent.',
    remedy: 'Look at the errors of the crashes; try again after `retryAfter` milliseconds at the earliest.',
  },
  ERR_VALUE_UNSUPPORTED: {
    type: 'ValueError',
    meaning: 'A value cannot cross: an unregistered symbol, a WeakMap, a promise inside of data. The message names its path.',
    remedy: 'Leave it out, or pass a function that does what is needed.',
  },
  ERR_VALUE_TOO_DEEP: {
    type: 'ValueError',
    meaning: 'A value is nested more deeply than `maxDepth`.',
    remedy: 'Flatten it: lists of lists cross better as one list with indices.',
  },
  ERR_VALUE_TOO_LARGE: {
    type: 'ValueError',
    meaning: 'A value has more bytes, arguments or handles of functions than may cross at once.',
    remedy: 'Send it in parts; release functions that are not needed.',
  },
  ERR_WORKER_CRASHED: {
    type: 'WorkerCrashError',
    meaning: 'The worker died while the call was under way, for another reason than a limit of this call’s. Its contexts are lost.',
    remedy: '`report.cause` says what of. Make the contexts again; a guest that crashes its worker should have one of its own.',
    report: DEATH,
  },
  ERR_CONTEXT_LOST: {
    type: 'ContextLostError',
    meaning: 'The context is gone: it was disposed, or its worker died before this call. `cause` is why, if it died.',
    remedy: 'Make a new one.',
    report: `of the worker’s death, if that is why: ${DEATH}`,
  },
  ERR_COMPILER_CRASHED: {
    type: 'CompilerCrashError',
    meaning: 'The compiler died of this source, most likely for want of memory.',
    remedy: 'Compile less at a time.',
    report: DEATH,
  },
  ERR_OVERLOADED: {
    type: 'OverloadedError',
    meaning:
      'No worker is free and none is expected in time, too much waits already, or the tenant has no processor time left. Nothing ran.',
    remedy: 'Try again after `retryAfter` milliseconds; `blockedBy` names what keeps it.',
    report: `limit, ${WAITED}`,
  },
  ERR_CANCELLED: {
    type: 'ReportedError',
    meaning: 'The run was cancelled by another than its own signal, which rejects with its own reason.',
    remedy: 'Nothing: somebody wanted it so.',
    report: TIMES,
  },
  ERR_INTERRUPTED: {
    type: 'ReportedError',
    meaning:
      'The run was interrupted without its deadline having passed: by somebody’s SIGINT, a guest that throws a likeness of the interruption, or for want of stack.',
    remedy: 'Run it again. If it happens always, look at what the guest throws.',
    report: TIMES,
  },
  ERR_NOT_A_FUNCTION: {
    type: 'ReportedError',
    meaning: '`ctx.call()` was given the name of something that is no function of the context.',
    remedy: 'Define it first; names may be paths such as `a.b.c`.',
    report: TIMES,
  },
  ERR_FUNCTION_GONE: {
    type: 'ReportedError',
    meaning: 'A function of the other side was called after it was released, or after its context was gone. In a guest it is an Error.',
    remedy: 'Keep the context, or the handle, for as long as the function is used.',
  },
  ERR_NO_CLOCK: {
    type: 'ReportedError',
    meaning: '`ctx.advance()` on a context that goes by the time of day.',
    remedy: 'Make the context with the option `deterministic`.',
    report: TIMES,
  },
  ERR_TIME_ZONE: {
    type: 'ReportedError',
    meaning: 'The time zone of a deterministic context is not known to the worker, or cannot be had there.',
    remedy: 'Use a name of the IANA database; see docs/deterministic.md.',
    report: TIMES,
  },
  ERR_PRESET_FAILED: {
    type: 'PresetError',
    meaning: 'The script of a preset threw while a context was made; `cause` is what it threw.',
    remedy: 'Run the preset’s script by itself, and look at its stack.',
  },
  ERR_SCRIPT_UNKNOWN: {
    type: 'ReportedError',
    meaning:
      'The worker does not have a compiled script any more. The client sends it again by itself; this is seen only by who speaks the protocol.',
    remedy: 'Send the script, and ask again.',
  },
  ERR_NAME_UNKNOWN: {
    type: 'ReportedError',
    meaning: "There is no context of this name, and `attach: 'only'` makes none; or it was ended while this was on its way.",
    remedy: 'Make it, by the same call without `attach`.',
  },
  ERR_NAME_TAKEN: {
    type: 'ReportedError',
    meaning: 'There is a context of this name already, and `attach: false` wants a new one.',
    remedy: 'Attach to it, take another name, or end it with `dispose({ destroy: true })`.',
  },
  ERR_NAME_LIMIT: {
    type: 'LimitError',
    meaning: 'The tenant has as many named contexts as it may.',
    remedy: 'End some with `dispose({ destroy: true })`, let them go idle, or raise `maxNamed` of the policy.',
  },
  ERR_INVALID_OPTION: {
    type: 'InvalidOptionError',
    meaning: 'An option is unknown, or breaks a rule. The message names option, rule and value. Nothing was sent.',
    remedy: 'Correct the option.',
  },
} as const satisfies Record<string, ErrorEntry>

/** What keeps a client from a daemon, or a daemon from a client. */
export const CONNECTION_ERRORS = {
  ERR_CONNECTION: {
    type: 'ConnectionError',
    meaning: 'There is no daemon, it does not answer, or the connection to it or to a worker broke.',
    remedy: 'Start one with `glovebox serve`, or let `connect()` start one; the client connects again by itself.',
  },
  ERR_STOPPING: {
    type: 'ConnectionError',
    meaning: 'The daemon is stopping: it takes no more, and what was under way is ended after its time to drain.',
    remedy: 'Wait for the next daemon; contexts have to be made again.',
    report: DEATH,
  },
  ERR_DISPOSED: {
    type: 'ConnectionError',
    meaning: 'The box was disposed, or the run’s own process is gone.',
    remedy: 'Use it before it is disposed.',
  },
  ERR_WORKER_BOOT: {
    type: 'ConnectionError',
    meaning: 'Workers do not start, or are not confined as required.',
    remedy: '`glovebox doctor` shows which layer fails and what to do about it.',
    report: WAITED,
  },
  ERR_NO_RUNTIME: {
    type: 'ConnectionError',
    meaning: 'There is no Node 26 that a daemon could be started with.',
    remedy: 'Install one, or name it: the message says how.',
  },
  ERR_ACCESS_DENIED: {
    type: 'AccessDeniedError',
    meaning:
      'The token or the user stands for no tenant, not for the one that was asked for, or may not do this. A ticket that a worker does not know is refused with it, too.',
    remedy: 'Check `token` and `tenant` against the daemon’s policy; see docs/tenants.md.',
  },
  ERR_VERSION: {
    type: 'AccessDeniedError',
    meaning: 'Client and daemon have no version of the protocol in common.',
    remedy: 'Install matching versions.',
  },
  ERR_PROTOCOL: {
    type: 'ProtocolError',
    meaning: 'A peer sent what it must not. The link to it is closed, and a worker that did it is ended.',
    remedy: 'Of a worker: its guest may have taken it over. Of a daemon: is another program listening there?',
    report: 'phase, worker, wallMs, bytesOut, cause (protocol), reason',
  },
  ERR_INTERNAL: {
    type: 'ReportedError',
    meaning: 'A failure of Glovebox’s own.',
    remedy: 'Report it, with the daemon’s log.',
  },
} as const satisfies Record<string, ErrorEntry>

/** What keeps a daemon from starting, or from taking a new policy. */
export const DAEMON_ERRORS = {
  ERR_SOCKET_IN_USE: {
    type: 'DaemonError',
    meaning: 'Another daemon serves this socket.',
    remedy: 'Use that one, stop it, or choose another socket.',
  },
  ERR_SOCKET_DIRECTORY: {
    type: 'DaemonError',
    meaning: 'The socket’s directory is none, or belongs to somebody else, or others may write to it.',
    remedy: 'The message says which, and the command that helps.',
  },
  ERR_SOCKET_PATH: {
    type: 'DaemonError',
    meaning: 'No socket can be made there, or not with the access that is wanted.',
    remedy: 'Choose a shorter path, or one where this user may write.',
  },
  ERR_PLATFORM: {
    type: 'DaemonError',
    meaning: 'A daemon needs Linux, and Node 26 or later with `node:ffi`.',
    remedy: 'Run it there.',
  },
  ERR_RUNTIME: {
    type: 'DaemonError',
    meaning: 'The Node binary for workers is too old, or does not run here.',
    remedy: 'Name another.',
  },
  ERR_CONFINEMENT: {
    type: 'DaemonError',
    meaning: 'The machine does not give the confinement that is required.',
    remedy: '`glovebox doctor` shows which layer fails and what to do about it.',
  },
  ERR_POLICY: {
    type: 'DaemonError',
    meaning: 'The policy cannot be read, or breaks a rule. It is refused whole; the one before stays.',
    remedy: 'The message names file, line, key and rule.',
  },
  ERR_CONFIG: {
    type: 'DaemonError',
    meaning: 'The configuration (a file, the environment, flags) cannot be read, or breaks a rule.',
    remedy: 'The message names where it stands, key and rule.',
  },
  ERR_METRICS: {
    type: 'DaemonError',
    meaning: 'The metrics cannot be served where they should be.',
    remedy: 'Choose another address; the message says what is in the way.',
  },
} as const satisfies Record<string, ErrorEntry>

/** What a guest catches, in its own realm. */
export const GUEST_ERRORS = {
  ERR_HOST_CALL_LIMIT: {
    type: 'Error',
    meaning: 'The guest made more host calls than it may, in one run or without an answer.',
    remedy: 'Call less often, with more at a time.',
  },
  ERR_MODULE_NOT_FOUND: {
    type: 'Error',
    meaning: 'No module was given for what is imported.',
    remedy: 'Give one in `modules`, or have the resolver give one.',
  },
  ERR_MODULE_LOAD: {
    type: 'Error',
    meaning: 'The lookup of a module failed: the resolver threw, or gave what is no module. `cause` says more if it may.',
    remedy: 'Look at the resolver.',
  },
  ERR_MODULE_LIMIT: {
    type: 'RangeError',
    meaning: 'More modules, or more source, than one context may have.',
    remedy: 'Bundle them.',
  },
  ERR_MODULE_EVALUATION: {
    type: 'Error',
    meaning: 'The evaluation of a module was ended by a deadline; it cannot be evaluated again.',
    remedy: 'Give the import more time, in a new context.',
  },
  ERR_IMPORT_ATTRIBUTE: {
    type: 'TypeError',
    meaning: 'An import has an attribute, or a value of one, that is not supported.',
    remedy: "Use `type: 'json'` or `type: 'text'`.",
  },
  ERR_REQUIRE_ESM: {
    type: 'Error',
    meaning: 'An ES module cannot be required.',
    remedy: 'Use `import()`.',
  },
} as const satisfies Record<string, ErrorEntry>
