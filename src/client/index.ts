export type { Box, Status } from './box.ts'
export { connect, type ConnectOptions } from './connect.ts'
export type { Context } from './context.ts'
export {
  AccessDeniedError,
  ConnectionError,
  ContextLostError,
  GloveboxError,
  GuestError,
  InvalidOptionError,
  LimitError,
  OutputLimitError,
  OverloadedError,
  ProtocolError,
  type Report,
  ReportedError,
  TimeoutError,
  ValueError,
  WorkerCrashError,
} from './errors.ts'
export type { ConsoleEvent, GuestEventMap } from './guest-events.ts'
export type { GuestFunction } from './guest-function.ts'
export type { Outcome } from './outcomes.ts'
export type { CallOptions, ContextOptions, OneShotOptions, RunOptions } from './run-options.ts'
