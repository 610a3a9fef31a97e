import type { Box } from '../box.ts'
import { connect } from '../connect.ts'
import type { Vm } from './vm.ts'
import { makeVm } from './create-vm.ts'

export { createVm } from './create-vm.ts'
export type { CompiledFunction } from './compile-function.ts'
export type { VmScript } from './script.ts'
export type { CompileFunctionOptions, ContextOptions, NewContextOptions, RunOptions, ScriptOptions, Vm } from './vm.ts'

let box: Promise<Box> | undefined

/** One for all that is asked of this module; made when it is needed, and again if that failed. Idle, it does not keep the process alive. */
const vm = makeVm(() => {
  if (box === undefined) {
    const made = connect()
    box = made
    made.catch(() => {
      if (box === made) box = undefined
    })
  }
  return box
})

export const {
  Script,
  compileFunction,
  constants,
  createContext,
  dispose,
  isContext,
  runInContext,
  runInNewContext,
  runInThisContext,
}: Vm = vm
export default vm
