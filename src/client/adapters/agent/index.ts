export type { ExecutionError } from './execution-error.ts'
export { createExecutor, type Execution, type ExecuteOptions, type Executor, type ExecutorOptions, type HostFunctions } from './executor.ts'
