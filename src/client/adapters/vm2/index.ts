export { VM, VMError, VMScript } from './vm.ts'
export type { Compile, VMOptions } from './vm-options.ts'
