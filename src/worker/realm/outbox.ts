import { closeFrame, type MessageCodec, openFrame } from '../../protocol/link.ts'
import { OUTBOX_FLUSH_BYTES } from '../../protocol/limits.ts'
import { typedArraySet } from '../../protocol/msgpack/intrinsics.ts'
import { MsgpackWriter } from '../../protocol/msgpack/writer.ts'
import { ATTENTION, type Bridge, type RealmRecord, Request } from './record.ts'

/**
 * Messages to the client that a realm packs by itself: they gather here and leave when the evaluate ends, or when the guest waits for a host call, or when they are many. A message
 * counts once it is whole: an evaluate that ends half-way leaves nothing of it.
 */
export class Outbox {
  readonly #record: RealmRecord
  readonly #bridge: Bridge
  #writer: MsgpackWriter | undefined

  constructor(record: RealmRecord, bridge: Bridge) {
    this.#record = record
    this.#bridge = bridge
  }

  /** Adds a message with its payload, which is encoded already: no code of the guest's runs in here. Returns where the message starts. */
  add<Message>(codec: MessageCodec<Message>, message: Message, payload?: MsgpackWriter): number {
    const record = this.#record
    const writer = (this.#writer ??= new MsgpackWriter())
    writer.position = record.outboxLength
    const start = openFrame(writer, codec, message)
    if (payload !== undefined) {
      writer.ensure(payload.position)
      typedArraySet(writer.bytes, payload.view(), writer.position)
      writer.position += payload.position
    }
    closeFrame(writer, start)
    record.outbox = writer.bytes
    record.outboxLength = writer.position
    record.attention |= ATTENTION.outbox
    return start
  }

  /** Takes the last message back, which starts at `start`, if it has not left. */
  takeBack(start: number): void {
    if (this.#record.outboxLength > start) this.#record.outboxLength = start
  }

  /** Lets the messages leave now if they are many, or large. */
  flushIfMany(): void {
    if (this.#record.outboxLength >= OUTBOX_FLUSH_BYTES) this.flush()
  }

  /** Lets the messages leave now. */
  flush(): void {
    try {
      this.#bridge(Request.flush)
    } catch {
      // The stack is used up. They leave later.
    }
    // What a large message needed is given back.
    if (this.#record.outboxLength === 0) this.#writer = undefined
  }
}
