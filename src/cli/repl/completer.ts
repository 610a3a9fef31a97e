import type { Session } from './session.ts'

/** What is being typed: names with dots between, and the beginning of another. */
const TYPED = /(?:^|[^\w$.])((?:[\p{ID_Start}$_][\p{ID_Continue}$]*\??\.)*)([\p{ID_Continue}$_]*)$/u
const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u
/** More than that nobody reads. */
const MAX_OFFERED = 400

type Completions = [completions: string[], typed: string]

/** Completes names of globals, of what they have, and of the REPL's own commands. */
export async function complete(session: Session, commands: readonly string[], line: string): Promise<Completions> {
  const command = /^\s*(\.\w*)$/.exec(line)?.[1]
  if (command !== undefined) return [commands.map((each) => `.${each}`).filter((each) => each.startsWith(command)), command]
  const [, path = '', beginning = ''] = TYPED.exec(line) ?? []
  // Without anything typed, everything fits: nobody wants that.
  if (path === '' && beginning === '') return [[], '']
  const names = await session.completions(path.split(/\??\./).filter((each) => each !== ''))
  const offered = [...new Set(names)].filter((each) => each.startsWith(beginning) && IDENTIFIER.test(each))
  return [
    offered
      .toSorted()
      .slice(0, MAX_OFFERED)
      .map((each) => path + each),
    path + beginning,
  ]
}
