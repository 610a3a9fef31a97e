import { defineInterface, requireArguments, toDictionary, toDOMString, toUSVString } from '../idl.ts'
import { Event } from './event.ts'

/** https://html.spec.whatwg.org/multipage/webappapis.html#errorevent */
export class ErrorEvent extends Event {
  readonly #message: string
  readonly #filename: string
  readonly #lineno: number
  readonly #colno: number
  readonly #error: unknown

  constructor(type: unknown, init: unknown = undefined) {
    requireArguments(arguments.length, 1, 'ErrorEvent constructor')
    super(type, init)
    // In the order in which the standard reads the members of a dictionary: by name.
    const members = toDictionary(init, 'ErrorEvent init')
    this.#colno = toUnsignedLong(members?.['colno'])
    this.#error = members?.['error']
    const filename = members?.['filename']
    this.#filename = filename === undefined ? '' : toUSVString(filename)
    this.#lineno = toUnsignedLong(members?.['lineno'])
    const message = members?.['message']
    this.#message = message === undefined ? '' : toDOMString(message)
  }

  get message(): string {
    return this.#message
  }
  get filename(): string {
    return this.#filename
  }
  get lineno(): number {
    return this.#lineno
  }
  get colno(): number {
    return this.#colno
  }
  get error(): unknown {
    return this.#error
  }
}

defineInterface(ErrorEvent, 'ErrorEvent')

const toUnsignedLong = (value: unknown): number => (value === undefined ? 0 : (value as number) >>> 0)
