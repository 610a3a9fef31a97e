/**
 * Every amount that a peer can make grow, in one place: unit, reason and, where a client may choose, the default and the maximum.
 */
const KiB = 1024
const MiB = 1024 * KiB

/** A number that a client may lower. It cannot be raised above the daemon's policy, nor that above `max`: see channel-limits.ts. */
export interface Limit {
  readonly default: number
  readonly min: number
  readonly max: number
}

/** Deadline of one run, in milliseconds. Long enough to load a large library, short enough that a person notices a loop. */
export const TIMEOUT_MS: Limit = { default: 5_000, min: 1, max: 3_600_000 }
/** UTF-16 code units of one source. The TypeScript compiler, the largest library that people bundle, has 9 million. */
export const MAX_SOURCE: Limit = { default: 16 * MiB, min: 1, max: 16 * MiB }
/** Bytes of one encoded result, and of the arguments of one host call. */
export const MAX_OUTPUT: Limit = { default: 16 * MiB, min: 16, max: 256 * MiB }
/** V8 heap of one worker, in bytes. Below 16 MiB Node itself does not start reliably. */
export const MEMORY: Limit = { default: 256 * MiB, min: 32 * MiB, max: 4096 * MiB }
/** A semi-space of V8's young generation, in bytes. It has room for three, which V8 counts into the limit of its heap. Why so many: ARCHITECTURE.md, "Collections hold up a signal". */
export const SEMI_SPACE_BYTES = 16 * MiB
/** What a guest threw, and what a worker says of itself, has at least so many bytes and levels, however few a result may have. */
export const MIN_ERROR_BYTES = 256 * KiB
export const MIN_ERROR_DEPTH = 16
/** Contexts in one worker, if its memory has room for as many. */
export const MAX_CONTEXTS: Limit = { default: 1_000, min: 1, max: 10_000 }
/** Nesting of a value, in levels. Encoder and decoder recurse: 1,000 levels fit V8's default stack several times over. */
export const MAX_DEPTH: Limit = { default: 100, min: 1, max: 1_000 }

/** Leases of one tenant that may wait for a worker. */
export const MAX_QUEUE: Limit = { default: 1_000, min: 0, max: 100_000 }
/** How long a lease may wait for a worker, in milliseconds. */
export const QUEUE_TIMEOUT_MS: Limit = { default: 10_000, min: 0, max: 600_000 }

/** Resident bytes of a worker above which it is recycled. */
export const HIGH_WATER = { min: 64 * MiB, max: 1024 * 1024 * MiB } as const
/** Processor time of a tenant's processes together, in seconds in a minute: what 256 cores have. No limit unless one is set. */
export const CPU_S = { min: 1, max: 60 * 256 } as const

/** A script that crashed so many workers of its tenant within this time, in milliseconds, is refused for as long. */
export const CRASHES_REFUSED = 3
export const CRASH_WINDOW_MS: Limit = { default: 60_000, min: 100, max: 3_600_000 }
/** Scripts of one tenant whose crashes are counted. Each costs a process to get in. */
export const MAX_CRASHED_SCRIPTS = 256

/** How long a source may take to compile, in milliseconds. The largest take seconds, and compilers yield to everything else. */
export const COMPILE_TIMEOUT_MS = 30_000
/** Sources that may wait in one compiler, and their UTF-16 code units together. */
export const COMPILE_QUEUE = { max: 256, maxSource: 4 * MAX_SOURCE.default } as const
/** What a compiler lists of a source's imports: how many, and UTF-8 bytes of each specifier, name and value. */
export const COMPILED_IMPORTS = { max: 10_000, maxAttributes: 16, maxTextBytes: 16 * KiB } as const
/** Bytes of V8's code cache of one source. A larger one is left out: mostly data, it would save no time. */
export const MAX_CACHED_DATA_BYTES = 64 * MiB
/** UTF-8 bytes of a source map. A larger one is left out. */
export const MAX_SOURCE_MAP_BYTES = 64 * MiB
/** Bytes of the name of a source or of a compiled script: SHA-256. */
export const HASH_BYTES = 32
/** Frame cap of a compiler's answers: code, source map, code cache and imports at their largest. */
export const MAX_COMPILED_FRAME_BYTES = 3 * MAX_SOURCE.default + MAX_SOURCE_MAP_BYTES + MAX_CACHED_DATA_BYTES + 64 * MiB
/** What a compiler's memory is reckoned from, in bytes: twice as much and a little may come on top of what it has when it has booted. V8 parses outside of its heap, TypeScript is parsed in WebAssembly's memory. */
export const COMPILER_MEMORY_BYTES = 512 * MiB

/** Scripts of one preset: a preset may be based on another. */
export const MAX_PRESET_SCRIPTS = 8
/** UTF-16 code units of a seed, a time zone's name or a locale. */
export const MAX_DETERMINISTIC_TEXT = 256

/** Modules of one context, and UTF-16 code units of their sources together. The largest program that people do not bundle has a few thousand. */
export const MAX_MODULES = 5_000
export const MAX_MODULES_SOURCE = 64 * MiB
/** Modules that one module may import, by statements. */
export const MAX_MODULE_REQUESTS = 5_000
/** UTF-16 code units of a module's specifier or key. */
export const MAX_SPECIFIER = 1_024
/** Imports that a context may ask its client to look up, beyond any that finds all its modules the first time. */
export const MAX_LOOKUPS = 20 * MAX_MODULES
/** Milliseconds since 1970 that a Date can have, either way. */
export const MAX_TIME_MS = 8.64e15

/** Frame cap of the two control links: leases, tickets and status are small. */
export const MAX_CONTROL_FRAME_BYTES = 256 * KiB
/** Frame cap of a worker's control pipe towards the daemon: ready, pongs and little else. HOSTILE side. */
export const MAX_WORKER_CONTROL_FRAME_BYTES = 16 * KiB
/** Messages that a worker may send its daemon: it answers a ping a second, and tells of each channel that closes. */
export const MAX_WORKER_MESSAGES_PER_SECOND = 10_000
/** Bytes of standard error that the daemon reads of a worker: V8's last words have a few thousand. */
export const MAX_WORKER_STDERR_PER_SECOND = 4 * MiB
/** What a frame carries besides a source or a value: operation, numbers, file name. */
export const FRAME_OVERHEAD_BYTES = 16 * KiB
/** Bytes of a source or value that a client sends in one message. */
export const MAX_REQUEST_BYTES = 192 * MiB
/** Before its hello was accepted a peer may only send this much. */
export const MAX_HELLO_FRAME_BYTES = 4 * KiB

/** UTF-16 code units of a file name, a global's name or a path of one. */
export const MAX_NAME = 1_024
/** Runs that one channel may have unanswered. */
export const MAX_PENDING_RUNS = 20_000

/** A peer that connects must say hello within this time, in milliseconds. */
export const HELLO_TIMEOUT_MS = 5_000
/** A ticket that nobody presents is void after this time, in milliseconds. */
export const TICKET_LIFETIME_MS = 10_000
/** Bytes of the key of a named context: nobody guesses it. */
export const NAME_KEY_BYTES = 16
/** Named contexts of one tenant. */
export const MAX_NAMED: Limit = { default: 100, min: 0, max: 10_000 }
/** How long a named context stays when nobody is attached to it, in milliseconds. */
export const NAMED_IDLE_MS: Limit = { default: 60_000, min: 1, max: 86_400_000 }
/** UTF-16 code units of the name of a context. */
export const MAX_CONTEXT_NAME = 256
/** Channels that may be attached to one named context. */
export const MAX_ATTACHED = 1_000
/** Bytes of a ticket: 128 bits, single use. */
export const TICKET_BYTES = 16
/** How long after its deadline a run may go on before its worker is killed: the worker's own timer fires within 1 ms, so what is later than this is stuck in native code, or in a collection of a full heap. */
export const GRACE_MS = 500
/** Connections to a worker that have not said hello yet: a thousand clients that come at once are that for a moment. */
export const MAX_UNADMITTED = 2_048
/** Tickets that a worker holds at once. */
export const MAX_TICKETS = 4_096

/** Functions of one context that the other side may hold handles of at once, each way. One costs a few hundred bytes on both sides. */
export const MAX_HANDLES = 100_000
/** Arguments of one call, either way. A stack of V8's usual size has room for a few more. */
export const MAX_ARGUMENTS = 100_000
/** Objects that `glovebox/vm` keeps in step with those of one context, and items of arrays, Maps and Sets. Each run looks at all of them; one costs some hundred bytes on both sides. */
export const MAX_MIRRORED_OBJECTS = 100_000
export const MAX_MIRRORED_ITEMS = 2_000_000
/** Handles given back in one message. */
export const MAX_RELEASED = 1_000
/** Calls of host functions that one context may have unanswered. */
export const MAX_HOST_CALLS_IN_FLIGHT: Limit = { default: 1_000, min: 1, max: 10_000 }
/** Calls of host functions from the moment when a context gets busy until it has nothing pending: usually, in one run. */
export const MAX_HOST_CALLS: Limit = { default: 100_000, min: 0, max: 10_000_000 }
/** Calls that it may make besides, while no run of it is pending, for each second that passes: timers that go on call the host, too. */
export const HOST_CALLS_PER_SECOND = 1_000
/** How deep host functions may call into contexts that call host functions again: each level holds a call on both sides. */
export const MAX_REENTRANCE = 100
/** Bytes of a client's frames that may wait in a worker while a guest waits for a synchronous host call. */
export const MAX_QUEUED_BYTES = 256 * MiB
/** Bytes of messages that a guest's realm gathers before they are sent while the guest still computes. */
export const OUTBOX_FLUSH_BYTES = 64 * KiB
/** Unhandled rejections and errors of one context that wait to be reported; more are dropped. */
export const MAX_UNHANDLED = 100
/** UTF-16 code units of a URL that a guest has parsed: the parser cannot be interrupted, and takes some 150 ms for one that long. */
export const MAX_URL = 4 * MiB
/** The share of a limit from which on it is warned of. */
export const NEAR_SHARE = 0.8
/** Timers of one context. */
export const MAX_TIMERS = 10_000
/** Console output of one context in a second: bytes of the messages, text and arguments, and calls. More is dropped, and counted. */
export const MAX_CONSOLE: Limit = { default: 2 * MiB, min: 0, max: 64 * MiB }
export const MAX_CONSOLE_LINES: Limit = { default: 1_000, min: 0, max: 100_000 }
/** Bytes of the arguments that go with one console message. */
export const MAX_CONSOLE_ARGUMENTS_BYTES = 64 * KiB
/** How long console output may wait while the guest goes on computing and writing, in milliseconds. */
export const CONSOLE_FLUSH_MS = 50
/** A realm keeps its buffer for results up to this size, in bytes. A larger one is used for one result. */
export const KEPT_RESULT_BYTES = MiB
/** One evaluate of a `many` run goes through inputs for so long, in milliseconds, or until their outcomes have so many bytes. */
export const MANY_SLICE_MS = 2
export const MANY_SLICE_BYTES = 64 * KiB
/** Messages with outcomes that a client may have not taken yet. */
export const MANY_WINDOW = 16
/** Computing that a context may do when no run of it is pending (timers that go on), in milliseconds: at once, and for each second that passes. */
export const BACKGROUND_BURST_MS = 500
export const BACKGROUND_MS_PER_SECOND = 100
/** UTF-16 code units of the text of one console call; what is longer is cut, and says so. Far more than a person reads, and no burden on the channel. */
export const MAX_CONSOLE_TEXT = 64 * KiB
/** Bytes of the largest console message: three of UTF-8 for each code unit of its text, and its arguments. */
export const MAX_CONSOLE_FRAME_BYTES = 4 * MAX_CONSOLE_TEXT + MAX_CONSOLE_ARGUMENTS_BYTES
