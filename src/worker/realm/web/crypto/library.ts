import { bufferByteLength, Bytes, isView, typedArrayBuffer, typedArrayByteLength, typedArrayName, typedArrayOffset } from '../captured.ts'
import { host, use } from '../context.ts'
import { domException } from '../dom-error.ts'
import { defineInterface, requireArguments, requireThis } from '../idl.ts'

/** Bytes that one call may ask for. */
const QUOTA = 65536
const HEX = '0123456789abcdef'
const permit = {}

/** Random bytes for 64 identifiers: asking the worker takes longer than making one. */
const POOL = 1024
const pool = new Bytes(POOL)
let used = POOL

/** https://w3c.github.io/webcrypto/#Crypto-interface, without `subtle`. */
export class Crypto {
  /** Tells an instance from anything else. */
  readonly #brand = true

  constructor() {
    if (arguments[0] !== permit) throw new TypeError('Illegal constructor')
  }

  getRandomValues(array: unknown): object {
    requireThis(this.#brand)
    requireArguments(arguments.length, 1, 'Crypto.getRandomValues')
    if (!isView(array)) throw new TypeError('Crypto.getRandomValues: the argument must be a view of an ArrayBuffer')
    if (!isIntegerArray(typedArrayName(array))) throw domException('The array must be of an integer type', 'TypeMismatchError')
    const buffer = typedArrayBuffer(array)
    // Throws for a SharedArrayBuffer.
    bufferByteLength(buffer)
    const size = typedArrayByteLength(array)
    if (size > QUOTA) throw quotaExceeded(size)
    if (size > 0) host.randomBytes(new Bytes(buffer, typedArrayOffset(array), size))
    return array
  }

  randomUUID(): string {
    requireThis(this.#brand)
    if (used === POOL) {
      host.randomBytes(pool)
      used = 0
    }
    let text = ''
    for (let i = 0; i < 16; i++) {
      let byte = pool[used++] as number
      // Version 4, variant 10xx.
      if (i === 6) byte = (byte & 0x0f) | 0x40
      else if (i === 8) byte = (byte & 0x3f) | 0x80
      text += (HEX[byte >> 4] as string) + (HEX[byte & 15] as string)
      if (i === 3 || i === 5 || i === 7 || i === 9) text += '-'
    }
    return text
  }
}

defineInterface(Crypto, 'Crypto')

export const crypto: Crypto = new (Crypto as unknown as new (permit: object) => Crypto)(permit)

function quotaExceeded(requested: number): Error {
  const message = `The array has ${requested} bytes, which is more than ${QUOTA}`
  return new (use('dom-exception').QuotaExceededError)(message, { quota: QUOTA, requested })
}

function isIntegerArray(name: string | undefined): boolean {
  switch (name) {
    case 'Int8Array':
    case 'Int16Array':
    case 'Int32Array':
    case 'BigInt64Array':
    case 'Uint8Array':
    case 'Uint8ClampedArray':
    case 'Uint16Array':
    case 'Uint32Array':
    case 'BigUint64Array':
      return true
    default:
      return false
  }
}
