import { type Bridge, Request } from './record.ts'

/**
 * The run is over: waits for the signal that ends it. Nothing of the guest's may run before that is here.
 *
 * Each time round it calls something. V8 looks for a signal where a function is entered; at a loop's end it does only in optimized code, and else after some 30,000 times or, while it optimizes the
 * function, after a thousand million, which takes a third of a second.
 */
export function awaitEnd(bridge: Bridge): never {
  for (;;) bridge(Request.now)
}
