import type { Kernel } from './kernel.ts'

/** Resources by the kernel's numbers (asm-generic/resource.h). */
const RLIMIT = { fsize: 1, data: 2, core: 4, nproc: 6, nofile: 7 } as const
export type Resource = keyof typeof RLIMIT

/** Sets soft and hard limit: it cannot be raised again without privileges. */
export function limitResource(kernel: Kernel, resource: Resource, value: number): void {
  const limits = new BigUint64Array([BigInt(value), BigInt(value)])
  if (kernel.libc.functions.setrlimit(RLIMIT[resource], kernel.libc.addressOf(limits)) !== 0) {
    throw new Error(`setrlimit(${resource}) failed: errno ${kernel.errno()}`)
  }
}
