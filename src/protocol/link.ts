import { CodecError } from './msgpack/codec-error.ts'
import { MsgpackReader } from './msgpack/reader.ts'
import { MsgpackWriter } from './msgpack/writer.ts'
import { FRAME_HEADER_BYTES } from './framing.ts'

/** A message that is not one of its link's vocabulary, or has fields of the wrong type or size. The link is closed. */
export class MalformedMessageError extends Error {
  override readonly name = 'MalformedMessageError'
}

interface Tagged {
  readonly type: string
}

/**
 * How one kind of message travels: an array of its `code`, then its fields in the order in which `pack` writes and `unpack` reads them.
 */
export interface MessageCodec<Message> {
  readonly code: number
  readonly fields: number
  /** The last element of the array is a value of the user's, which sender and receiver handle by themselves. */
  readonly payload?: boolean
  pack(out: MsgpackWriter, message: Message): void
  unpack(from: MsgpackReader): Message
}

/** One entry for each message of the union: a message without a codec does not compile. */
export type LinkTable<Message extends Tagged> = {
  readonly [Type in Message['type']]: MessageCodec<Extract<Message, { readonly type: Type }>>
}

export interface Link<Message extends Tagged> {
  /** A whole frame, header included. */
  encode(message: Message): Uint8Array
  /** Reads what stands between `start` and `end`, and nothing may be left over. Throws {@link MalformedMessageError} only. */
  decode(bytes: Uint8Array, start: number, end: number): Message
  /** Appends a frame up to where its payload begins. The caller writes the payload, if there is one, and then calls {@link closeFrame} with what this returns. */
  open(out: MsgpackWriter, message: Message): number
  /** Reads a message up to where its payload begins; that, up to the end of the frame, is for the caller. Throws {@link MalformedMessageError} only. */
  read(from: MsgpackReader): Message
}

/** Completes a frame that {@link Link.open} began at `start`. */
export function closeFrame(out: MsgpackWriter, start: number): void {
  out.patchUint32(start, out.position - start - FRAME_HEADER_BYTES)
}

/** Appends a frame up to where its payload begins: see {@link Link.open}. */
export function openFrame<Message>(out: MsgpackWriter, codec: MessageCodec<Message>, message: Message): number {
  const start = out.position
  out.ensure(FRAME_HEADER_BYTES)
  out.position = start + FRAME_HEADER_BYTES
  out.arrayHeader(elements(codec))
  out.int(codec.code)
  codec.pack(out, message)
  return start
}

export function defineLink<Message extends Tagged>(table: LinkTable<Message>): Link<Message> {
  const byCode: (MessageCodec<Message> | undefined)[] = []
  for (const codec of Object.values<MessageCodec<Message>>(table)) byCode[codec.code] = codec

  const open = (out: MsgpackWriter, message: Message): number =>
    openFrame(out, table[message.type as Message['type']] as unknown as MessageCodec<Message>, message)

  const read = (from: MsgpackReader): Message => {
    try {
      const count = from.arrayHeader()
      const code = from.uint32()
      const codec = byCode[code]
      if (codec === undefined) throw new MalformedMessageError(`there is no message ${code} on this link`)
      if (count !== elements(codec)) throw new MalformedMessageError(`message ${code} has ${count} elements, not ${elements(codec)}`)
      const message = codec.unpack(from)
      if (codec.payload !== true && from.position !== from.end) {
        throw new MalformedMessageError(`message ${code} is followed by ${from.end - from.position} bytes`)
      }
      return message
    } catch (error) {
      if (error instanceof CodecError) throw new MalformedMessageError(error.message, { cause: error })
      throw error
    }
  }

  return {
    open,
    read,
    encode(message) {
      const out = new MsgpackWriter()
      closeFrame(out, open(out, message))
      return out.view()
    },
    decode: (bytes, start, end) => read(new MsgpackReader(bytes, start, end)),
  }
}

function elements(codec: { readonly fields: number; readonly payload?: boolean }): number {
  return 1 + codec.fields + (codec.payload === true ? 1 : 0)
}

export function optionalString(out: MsgpackWriter, value: string | undefined): void {
  if (value === undefined) out.nil()
  else out.string(value)
}

export function readOptionalString(from: MsgpackReader, maxLength: number): string | undefined {
  return from.nil() ? undefined : from.string(maxLength)
}

export function optionalNumber(out: MsgpackWriter, value: number | undefined): void {
  if (value === undefined) out.nil()
  else out.number(value)
}

export function readOptionalNumber(from: MsgpackReader): number | undefined {
  return from.nil() ? undefined : from.number()
}

/** Writes a list of whole numbers. */
export function intList(out: MsgpackWriter, values: readonly number[]): void {
  out.arrayHeader(values.length)
  for (let i = 0; i < values.length; i++) out.int(values[i] as number)
}

export function readIntList(from: MsgpackReader, maxItems: number): number[] {
  const count = from.arrayHeader()
  if (count > maxItems) throw new MalformedMessageError(`a list of ${count} items, over the cap of ${maxItems}`)
  const values: number[] = []
  for (let i = 0; i < count; i++) values.push(from.uint32())
  return values
}
