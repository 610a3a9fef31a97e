import { getQuickJS, shouldInterruptAfterDeadline } from 'quickjs-emscripten'
import type { Contender, Session } from '../contender.ts'
import { DEADLINE_MS } from '../work.ts'
import { computing } from './computing.ts'

export async function open(settings: Contender['settings']): Promise<Session> {
  const runtime = (await getQuickJS()).newRuntime()
  const context = runtime.newContext()
  const evaluate = (source: string): unknown => {
    runtime.setInterruptHandler(shouldInterruptAfterDeadline(Date.now() + DEADLINE_MS))
    using handle = context.unwrapResult(context.evalCode(source))
    return context.dump(handle)
  }
  return computing(settings, evaluate, async () => {
    context.dispose()
    runtime.dispose()
  })
}
