import { createRequire } from 'node:module'
import { type Logger, pino } from 'pino'
import type prettyModule from 'pino-pretty'

export type { Logger }
export const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** JSON lines to standard error; pretty on a terminal. Guest data never goes here: the daemon has none. */
export function createLog(level: LogLevel): Logger {
  const stderr = 2
  if (process.stderr.isTTY) {
    // Loaded by who wants it: a daemon starts sooner without.
    const pretty = createRequire(import.meta.url)('pino-pretty') as typeof prettyModule
    return pino({ level, base: null }, pretty({ destination: stderr, colorize: true, translateTime: 'SYS:HH:MM:ss.l' }))
  }
  return pino({ level, base: { pid: process.pid } }, pino.destination({ dest: stderr, sync: true }))
}
