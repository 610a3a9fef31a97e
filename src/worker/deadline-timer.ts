import type { Libc } from '../base/libc.ts'

/**
 * One POSIX timer that sends SIGINT to this process when a deadline passes (timer_create(2), SIGEV_SIGNAL).
 * Node's SIGINT watchdog thread, which runs for the life of the worker, turns the signal into the end of the evaluate in progress.
 */
export interface DeadlineTimer {
  /** When it fires, as far as it was set. */
  readonly firesAtMs: number
  /**
   * Sees to it that the timer fires at `deadlineMs` or a little later, and not before, and then now and then until it is set anew or stopped: a signal may get lost. Times are milliseconds of
   * `performance.now()`.
   * @returns whether the deadline before had fired since it was set, or may have: its signal may still be on the way
   */
  arm(deadlineMs: number, nowMs: number): boolean
  /** Has it fire now, and again and again until it is armed anew or stopped. */
  insist(): void
  /** For a deadline whose signal was lost: sends another, and returns when it has most likely been seen. */
  again(): void
  /** Sends the same signal; it is there when this returns, unlike a timer's. */
  signal(): void
  /** Sleeps for a moment, which a signal does not end. */
  pause(): void
  /** Stops the timer; returns the same as {@link DeadlineTimer.arm}. */
  disarm(): boolean
}

export const DEADLINE_TIMER_FUNCTIONS = {
  timer_create: { arguments: ['int32', 'pointer', 'pointer'], return: 'int32' },
  kill: { arguments: ['int32', 'int32'], return: 'int32' },
  timer_settime: { arguments: ['pointer', 'int32', 'pointer', 'pointer'], return: 'int32' },
  pthread_condattr_init: { arguments: ['pointer'], return: 'int32' },
  pthread_condattr_setclock: { arguments: ['pointer', 'int32'], return: 'int32' },
  pthread_cond_init: { arguments: ['pointer', 'pointer'], return: 'int32' },
  pthread_mutex_lock: { arguments: ['pointer'], return: 'int32' },
  pthread_cond_timedwait: { arguments: ['pointer', 'pointer', 'pointer'], return: 'int32' },
} as const

/** How late the timer may fire, in milliseconds, and as a part of the time that is left. */
const MAX_SLACK_MS = 0.25
const SLACK_OF_BUDGET = 0.02
/** From one time to the next, in nanoseconds, once the evaluate is known to wait for the signal. */
const INSIST_NS = 1_000_000
/**
 * The same for any deadline. The signal is lost if it comes after the timer was set and before Node knows of the evaluate, as happens when the kernel takes the processor away just then. Not more often,
 * because the timer of a run that ended long before its deadline goes on until the worker has nothing to do.
 */
const RETRY_NS = 50_000_000
/**
 * For a signal that is to come while this thread sleeps, in nanoseconds: when it is sent, at first and at last. One that comes before the thread is in its sleep is lost, and code that was not compiled
 * yet takes long to get there, so each that is lost makes the next come twice as late.
 */
const SENT_NS = 50_000
const MAX_SENT_NS = 1_000_000
/** How much longer the sleep is: the watchdog's thread has to wake and tell V8, on a busy machine. */
const SLEEP_OF_SENT = 6
const PAUSE_NS = 50_000

const CLOCK_MONOTONIC = 1
const SIGINT = 2
const SIGEV_SIGNAL = 0
/** The global is gone when it is needed. */
const ownProcess = process
/** sizeof(struct sigevent) on 64-bit Linux; sigev_signo is at byte 8, sigev_notify at byte 12. */
const SIGEVENT_BYTES = 64

export function createDeadlineTimer(libc: Libc<keyof typeof DEADLINE_TIMER_FUNCTIONS>): DeadlineTimer {
  const event = new Int32Array(SIGEVENT_BYTES / 4)
  event[2] = SIGINT
  event[3] = SIGEV_SIGNAL
  const idCell = new BigInt64Array(1)
  const failed = libc.functions.timer_create(CLOCK_MONOTONIC, libc.addressOf(event), libc.addressOf(idCell))
  if (failed !== 0) throw new Error('timer_create failed')
  const id = idCell[0] as bigint

  // struct itimerspec: interval seconds and nanoseconds, value seconds and nanoseconds.
  // Doubles cannot be stored in int64 fields, so the words are written as pairs of int32, low word first.
  const wanted = new Int32Array(8)
  const wantedAddress = libc.addressOf(wanted)
  const { timer_settime, kill, pthread_cond_timedwait } = libc.functions
  const { pid } = ownProcess
  const { condition, mutex } = neverSignalled(libc)
  // struct timespec
  const until = new BigInt64Array(2)
  const untilAddress = libc.addressOf(until)
  let armed = false
  let insists = false
  let firesAtMs = Number.POSITIVE_INFINITY
  let sentNs = SENT_NS

  const put = (seconds: number, nanoseconds: number, intervalNs: number): void => {
    wanted[2] = intervalNs
    wanted[4] = seconds
    wanted[6] = nanoseconds
  }
  const set = (seconds: number, nanoseconds: number, intervalNs: number): boolean => {
    put(seconds, nanoseconds, intervalNs)
    sentNs = SENT_NS
    timer_settime(id, 0, wantedAddress, 0n)
    // The kernel counts from the call, which came after the time that was read for it: it had not fired if it is not even time by our own clock.
    const fired = armed && performance.now() >= firesAtMs
    armed = seconds !== 0 || nanoseconds !== 0
    insists = false
    return fired
  }
  const wakeIn = (ns: number): void => {
    const untilNs = ownProcess.hrtime.bigint() + BigInt(ns)
    until[0] = untilNs / 1_000_000_000n
    until[1] = untilNs % 1_000_000_000n
  }

  return {
    get firesAtMs() {
      return firesAtMs
    },
    arm(deadlineMs, nowMs) {
      // A system call a run would be a good part of what a small run costs: runs that follow each other closely share one setting.
      const slackMs = Math.min(MAX_SLACK_MS, (deadlineMs - nowMs) * SLACK_OF_BUDGET)
      if (firesAtMs >= deadlineMs && firesAtMs <= deadlineMs + slackMs) return false
      const ms = deadlineMs + slackMs - nowMs
      const seconds = Math.floor(ms / 1000)
      // Never 0, which would disarm instead of fire.
      const fired = set(seconds, Math.max(1, Math.floor((ms - seconds * 1000) * 1e6)), RETRY_NS)
      firesAtMs = deadlineMs + slackMs
      return fired
    },
    insist() {
      if (insists) return
      set(0, 1, INSIST_NS)
      firesAtMs = Number.NEGATIVE_INFINITY
      insists = true
    },
    again() {
      // All else comes first: the less there is between the setting and the sleep, the surer it is that this thread sleeps in time.
      wakeIn(SLEEP_OF_SENT * sentNs)
      put(0, sentNs, RETRY_NS)
      armed = true
      insists = false
      sentNs = Math.min(2 * sentNs, MAX_SENT_NS)
      timer_settime(id, 0, wantedAddress, 0n)
      pthread_cond_timedwait(condition, mutex, untilAddress)
    },
    signal() {
      kill(pid, SIGINT)
    },
    pause() {
      wakeIn(PAUSE_NS)
      pthread_cond_timedwait(condition, mutex, untilAddress)
    },
    disarm() {
      const fired = armed ? set(0, 0, 0) : false
      firesAtMs = Number.POSITIVE_INFINITY
      return fired
    },
  }
}

/**
 * A condition of the monotonic clock that nobody ever signals, and its mutex, which this thread holds. To wait for it is a sleep that a signal does not end: nanosleep(2) would return, and so
 * would all that poll.
 */
function neverSignalled(libc: Libc<keyof typeof DEADLINE_TIMER_FUNCTIONS>): {
  readonly condition: bigint
  readonly mutex: bigint
} {
  // Each larger than pthread_cond_t, pthread_mutex_t and pthread_condattr_t of any C library on 64-bit Linux. A mutex of zeros is PTHREAD_MUTEX_INITIALIZER.
  const condition = libc.addressOf(ofTheProcess(new Uint8Array(128)))
  const mutex = libc.addressOf(ofTheProcess(new Uint8Array(128)))
  const attributes = libc.addressOf(ofTheProcess(new Uint8Array(128)))
  libc.functions.pthread_condattr_init(attributes)
  libc.functions.pthread_condattr_setclock(attributes, CLOCK_MONOTONIC)
  libc.functions.pthread_cond_init(condition, attributes)
  libc.functions.pthread_mutex_lock(mutex)
  return { condition, mutex }
}

/** What C uses for as long as the process lives. */
const kept: Uint8Array[] = []

function ofTheProcess(bytes: Uint8Array): Uint8Array {
  kept.push(bytes)
  return bytes
}
