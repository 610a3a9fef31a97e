/** Returns its argument, so that a class derived from it adds its private field to an object that exists already. */
const Existing = function (object: object): object {
  return object
} as unknown as new (
  object: object,
) => object

/** The internal slots of a DOMException, whose object is made by Error so that it is a native error with a stack. */
export class DOMExceptionSlots extends Existing {
  readonly #texts: { readonly message: string; readonly name: string }

  constructor(error: object, message: string, name: string) {
    super(error)
    this.#texts = { message, name }
  }

  /** Throws a TypeError for anything but a DOMException. */
  static of(error: object): { readonly message: string; readonly name: string } {
    return (error as DOMExceptionSlots).#texts
  }

  static has(value: object): boolean {
    return #texts in value
  }
}
