import { GloveboxError } from './error.ts'

/** An option that does not exist, has the wrong type or breaks its rule. Says which option, which rule, which value. */
export class InvalidOptionError extends GloveboxError {
  readonly option: string

  constructor(option: string, rule: string, value: unknown) {
    super('ERR_INVALID_OPTION', `option '${option}' ${rule}, got ${describe(value)}`)
    this.option = option
  }
}

/**
 * Reads a bag of options that a user gave, one typed question at a time, and refuses names that nobody asked for.
 * Defaults stand at the question, so that each stands once.
 */
export class OptionReader {
  readonly #owner: string
  readonly #given: Readonly<Record<string, unknown>>
  readonly #asked = new Set<string>()

  /** @param owner what the options belong to, for messages: `connect()`, `run()` */
  constructor(owner: string, given: unknown) {
    if (given !== undefined && (typeof given !== 'object' || given === null || Array.isArray(given))) {
      throw new InvalidOptionError(owner, 'takes an object of options', given)
    }
    this.#owner = owner
    this.#given = (given ?? {}) as Record<string, unknown>
  }

  #take(name: string): unknown {
    this.#asked.add(name)
    return this.#given[name]
  }

  /** Whatever was given: who asks checks it. */
  any(name: string): unknown {
    return this.#take(name)
  }

  string(name: string): string | undefined {
    const value = this.#take(name)
    if (value === undefined || typeof value === 'string') return value
    throw new InvalidOptionError(name, 'must be a string', value)
  }

  boolean(name: string): boolean | undefined {
    const value = this.#take(name)
    if (value === undefined || typeof value === 'boolean') return value
    throw new InvalidOptionError(name, 'must be true or false', value)
  }

  /** A whole number within `min` and `max`, both included. */
  integer(name: string, min: number, max: number): number | undefined {
    const value = this.#take(name)
    if (value === undefined) return undefined
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value
    throw new InvalidOptionError(name, `must be a whole number from ${min} to ${max}`, value)
  }

  oneOf<const Choice extends string>(name: string, choices: readonly Choice[]): Choice | undefined {
    const value = this.#take(name)
    if (value === undefined) return undefined
    const found = choices.find((choice) => choice === value)
    if (found !== undefined) return found
    throw new InvalidOptionError(name, `must be one of ${choices.map((choice) => `'${choice}'`).join(', ')}`, value)
  }

  /** A list of choices. */
  listOf<const Choice extends string>(name: string, choices: readonly Choice[]): readonly Choice[] | undefined {
    const value = this.#take(name)
    if (value === undefined) return undefined
    const isChoice = (each: unknown): each is Choice => choices.some((choice) => choice === each)
    if (Array.isArray(value) && value.every(isChoice)) return value
    throw new InvalidOptionError(name, `must be a list of ${choices.map((choice) => `'${choice}'`).join(', ')}`, value)
  }

  signal(name: string): AbortSignal | undefined {
    const value = this.#take(name)
    if (value === undefined || value instanceof AbortSignal) return value
    throw new InvalidOptionError(name, 'must be an AbortSignal', value)
  }

  object(name: string): Readonly<Record<string, unknown>> | undefined {
    const value = this.#take(name)
    if (value === undefined) return undefined
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
    throw new InvalidOptionError(name, 'must be an object', value)
  }

  /** Refuses every given name that was not asked for. Call it last. */
  finish(): void {
    for (const name of Object.keys(this.#given)) {
      if (this.#asked.has(name)) continue
      const known = [...this.#asked].map((each) => `'${each}'`).join(', ')
      throw new InvalidOptionError(name, `is not an option of ${this.#owner}; it takes ${known}`, this.#given[name])
    }
  }
}

function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value)
  if (value === null || typeof value !== 'object') return String(value)
  return Array.isArray(value) ? 'an array' : 'an object'
}
