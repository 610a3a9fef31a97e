import type { Box } from '../box.ts'
import { connect } from '../connect.ts'
import type { Vm } from './vm.ts'
import { makeVm } from './create-vm.ts'

export { createVm } from './create-vm.ts'
export type { CompiledFunction } from './compile-function.ts'
export type { DynamicImport, ModuleStatus, VmModule } from './module.ts'
export type { VmScript } from './script.ts'
export type { MeasuredMemory, MeasureMemoryOptions } from './measure-memory.ts'
export type { ModuleLinker, ModuleRequest, VmSourceTextModule } from './source-text-module.ts'
export type { VmSyntheticModule } from './synthetic-module.ts'
export type {
  CompileFunctionOptions,
  ContextOptions,
  ModuleOptions,
  NewContextOptions,
  RunOptions,
  ScriptOptions,
  SourceTextModuleOptions,
  Vm,
} from './vm.ts'

let box: Promise<Box> | undefined

/** One connection for all that is asked of this module; made when it is needed, and again once it is gone. Idle, it does not keep the process alive. */
async function sharedBox(): Promise<Box> {
  const known = box
  const open = await known?.catch(() => undefined)
  if (open?.isOpen === true) return open
  // Others may have waited for the same.
  if (box === known) box = connect()
  return box as Promise<Box>
}

const vm = makeVm(sharedBox)

export const {
  Script,
  SourceTextModule,
  SyntheticModule,
  compileFunction,
  constants,
  createContext,
  dispose,
  isContext,
  measureMemory,
  runInContext,
  runInNewContext,
  runInThisContext,
}: Vm = vm
export default vm
