import { isArgumentList } from '../protocol/arguments.ts'
import type { WorkerToClient } from '../protocol/channel-link.ts'
import type { AboutCall } from './about-call.ts'
import type { Bridges } from './bridges.ts'
import type { ChannelOutbox } from './channel-outbox.ts'
import { callHostFunction } from './host-functions.ts'
import type { ReceivedValues } from './received-values.ts'
import { NO_PAYLOAD } from './requests.ts'
import { findTracing } from './tracing/tracing.ts'

/**
 * Serves a guest that calls a function of this process. `run` is the call that it says to be part of, if that has no answer yet. Throws if the worker breaks the protocol.
 */
export function serveHostCall(
  message: Extract<WorkerToClient, { readonly type: 'hostCall' }>,
  run: AboutCall | undefined,
  bridges: Bridges,
  values: ReceivedValues,
  outbox: ChannelOutbox,
): void {
  const bridge = bridges.speaker(message.context)
  const args = values.said(message.context)
  if (!isArgumentList(args)) throw new Error('a host call without a list of arguments')
  if (bridge === undefined) {
    // Its context was disposed, or its run was given up.
    const gone = Object.assign(new Error('the functions of this context are gone'), { code: 'ERR_FUNCTION_GONE' })
    outbox.reply({ type: 'raised', context: message.context, call: message.call }, gone, message.sync)
    return
  }
  if (!bridge.mayCall(performance.now())) throw new Error('more host calls than a guest may make')
  const within = run?.context === message.context ? run : undefined
  const call = (): void =>
    callHostFunction(bridge, message, within, args, {
      answer: (type, to, call, value) => {
        // The context is gone meanwhile, or the worker.
        if (!bridges.has(to)) return
        outbox.reply({ type, context: to.context, call }, value, message.sync)
      },
      promised: (to, call) => {
        if (!bridges.has(to)) return
        outbox.reply({ type: 'promised', context: to.context, call }, NO_PAYLOAD, true)
      },
    })
  const tracing = findTracing()
  if (tracing === undefined) call()
  else tracing.within(within?.trace, call)
}
