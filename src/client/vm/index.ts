import { sharedBox } from '../shared-box.ts'
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
