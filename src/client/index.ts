export type { Box, Status, WorkerStatus } from './box.ts'
export type { CompileOptions } from './compiler/compile-options.ts'
export type { Script, SourceImport } from './compiler/script.ts'
export { connect, type ConnectOptions } from './connect.ts'
export type { Context } from './context.ts'
export {
  AccessDeniedError,
  CompilerCrashError,
  ConnectionError,
  ContextLostError,
  GloveboxError,
  GuestError,
  InvalidOptionError,
  LimitError,
  OutputLimitError,
  OverloadedError,
  PresetError,
  ProtocolError,
  type Report,
  ReportedError,
  ScriptRefusedError,
  TimeoutError,
  ValueError,
  MemoryLimitError,
  WorkerCrashError,
} from './errors.ts'
export type { ConsoleEvent, GuestEventMap, LimitWarning } from './guest-events.ts'
export type { GuestLimits, RunLimits } from './limits.ts'
export type { GuestFunction } from './guest-function.ts'
export type { GivenModule, ModuleFormat, ModuleResolver, Modules, ModuleSource } from './modules/given-modules.ts'
export type { ImportOptions } from './modules/import-options.ts'
export type { Outcome } from './outcomes.ts'
export type { Preset } from './presets/preset.ts'
export type { PlacementOptions } from './placement.ts'
export type { DeterministicOptions } from './presets/deterministic.ts'
export type { PresetName } from './presets/context-settings.ts'
export type { PresetOptions } from './presets/preset-options.ts'
export type { Setup } from './recovery-options.ts'
export type { CallOptions, ContextOptions, ManyOptions, OneShotOptions, RunOptions } from './run-options.ts'
