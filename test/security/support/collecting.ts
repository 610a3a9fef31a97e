import type { Step } from './attack.ts'

/**
 * Has V8 collect all garbage and the host turn its event loop, until the guest says that it saw what it waited for. What dies young frees no weak
 * reference: only what was held for a while makes V8 look at the whole heap.
 */
export const collecting = (until: string): Step => ({
  repeat: `(async () => { if ((globalThis.held ??= []).push(new Array(5e5).fill(1.5)) > 8) held = []
    await Atomics.waitAsync(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1).value })()`,
  until: `${until} && !(globalThis.held = 0)`,
  times: 300,
})
