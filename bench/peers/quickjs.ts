import { getQuickJS, shouldInterruptAfterDeadline } from 'quickjs-emscripten'
import type { Session } from '../contender.ts'
import { COUNTER_SOURCE, DEADLINE_MS } from '../work.ts'

/** In this very process, interpreted. */
export async function open(): Promise<Session> {
  const runtime = (await getQuickJS()).newRuntime()
  const context = runtime.newContext()
  context.unwrapResult(context.evalCode('var x = 0')).dispose()
  return {
    add() {
      runtime.setInterruptHandler(shouldInterruptAfterDeadline(Date.now() + DEADLINE_MS))
      using handle = context.unwrapResult(context.evalCode(COUNTER_SOURCE))
      return context.getNumber(handle)
    },
    async [Symbol.asyncDispose]() {
      context.dispose()
      runtime.dispose()
    },
  }
}
