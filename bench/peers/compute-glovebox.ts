import type { Contender, Session } from '../contender.ts'
import { computing } from './computing.ts'
import { embedded } from './embedded.ts'

export async function open(settings: Contender['settings']): Promise<Session> {
  const box = await embedded()
  const context = await box.createContext()
  return computing(
    settings,
    (source) => context.run(source),
    () => box.dispose(),
  )
}
