import { type Grant, GRANT_FIELDS, MAX_KNOWN_WORKERS, packGrant, readGrant } from './grant.ts'
import { MAX_NAME, NAME_KEY_BYTES } from './limits.ts'
import { intList, MalformedMessageError, type MessageCodec, readIntList } from './link.ts'
import type { MsgpackReader } from './msgpack/reader.ts'
import type { MsgpackWriter } from './msgpack/writer.ts'

/** What is wanted of a name: a context, whoever makes it; one that there was not; or one that there is. */
export const NAME_MODES = ['any', 'new', 'existing'] as const
export type NameMode = (typeof NAME_MODES)[number]

/** Client → daemon: a lease of the worker that has the tenant's context of that name, or will have. `idleMs` counts if it is new: how long it stays when nobody is attached. */
export interface LeaseNamed {
  readonly type: 'leaseNamed'
  readonly request: number
  readonly name: string
  readonly mode: NameMode
  readonly idleMs: number
  readonly known: readonly number[]
  readonly waitMs: number
}

/** Daemon → client: `leased`, and the key that opens the context in its worker. */
export interface LeasedNamed extends Grant {
  readonly type: 'leasedNamed'
  readonly key: Uint8Array
}

/** Daemon → worker: there may be a context under this key; or not any more. */
export type NamesOfDaemon = { readonly type: 'named'; readonly key: Uint8Array } | { readonly type: 'unnamed'; readonly key: Uint8Array }

/** Worker → daemon, HOSTILE: how many channels are attached to the context now, and how many were so far; it was ended by a client. */
export type NamesOfWorker =
  | { readonly type: 'nameUsed'; readonly key: Uint8Array; readonly attached: number; readonly attaches: number }
  | { readonly type: 'nameEnded'; readonly key: Uint8Array }

/** Client → worker. */
export type NamedMessage =
  /**
   * The context under `key` gets the channel's number `context`, and is made if there is none: payload, its globals. `gated`: who makes it keeps others waiting until `ready`. Answered by whether it was made. A `dispose`
   * lets go of it.
   */
  | {
      readonly type: 'attach'
      readonly run: number
      readonly context: number
      readonly key: Uint8Array
      readonly mode: NameMode
      readonly gated: boolean
    }
  /** Its maker is done with it. */
  | { readonly type: 'ready'; readonly run: number; readonly context: number }
  /** Ends it for all. */
  | { readonly type: 'end'; readonly run: number; readonly context: number }

type CodecIn<Union extends { readonly type: string }> = {
  readonly [Type in Union['type']]: MessageCodec<Extract<Union, { readonly type: Type }>>
}

export const leaseNamedCodec: MessageCodec<LeaseNamed> = {
  code: 35,
  fields: 6,
  pack(out, message) {
    out.int(message.request)
    out.string(message.name)
    out.int(NAME_MODES.indexOf(message.mode))
    out.number(message.idleMs)
    intList(out, message.known)
    out.int(message.waitMs)
  },
  unpack: (from) => ({
    type: 'leaseNamed',
    request: from.uint32(),
    name: from.string(MAX_NAME),
    mode: readMode(from),
    idleMs: from.uint32(),
    known: readIntList(from, MAX_KNOWN_WORKERS),
    waitMs: from.uint32(),
  }),
}

export const leasedNamedCodec: MessageCodec<LeasedNamed> = {
  code: 35,
  fields: GRANT_FIELDS + 1,
  pack(out, message) {
    packGrant(out, message)
    out.bin(message.key, message.key.length)
  },
  unpack: (from) => ({
    type: 'leasedNamed',
    ...readGrant(from),
    key: readKey(from),
  }),
}

const keyCodec = <Type extends 'named' | 'unnamed' | 'nameEnded'>(
  type: Type,
  code: number,
): MessageCodec<{ readonly type: Type; readonly key: Uint8Array }> => ({
  code,
  fields: 1,
  pack: (out, message) => out.bin(message.key, message.key.length),
  unpack: (from) => ({ type, key: readKey(from) }),
})

export const namesOfDaemonCodecs: CodecIn<NamesOfDaemon> = { named: keyCodec('named', 100), unnamed: keyCodec('unnamed', 101) }

export const namesOfWorkerCodecs: CodecIn<NamesOfWorker> = {
  nameUsed: {
    code: 100,
    fields: 3,
    pack(out, message) {
      out.bin(message.key, message.key.length)
      out.int(message.attached)
      out.int(message.attaches)
    },
    unpack: (from) => ({ type: 'nameUsed', key: readKey(from), attached: from.uint32(), attaches: from.uint32() }),
  },
  nameEnded: keyCodec('nameEnded', 101),
}

export const namedCodecs: CodecIn<NamedMessage> = {
  attach: {
    code: 100,
    fields: 5,
    payload: true,
    pack(out, message) {
      packContext(out, message)
      out.bin(message.key, message.key.length)
      out.int(NAME_MODES.indexOf(message.mode))
      out.bool(message.gated)
    },
    unpack: (from) => ({
      type: 'attach',
      run: from.uint32(),
      context: from.uint32(),
      key: readKey(from),
      mode: readMode(from),
      gated: from.bool(),
    }),
  },
  ready: { code: 101, fields: 2, pack: packContext, unpack: (from) => ({ type: 'ready', run: from.uint32(), context: from.uint32() }) },
  end: { code: 102, fields: 2, pack: packContext, unpack: (from) => ({ type: 'end', run: from.uint32(), context: from.uint32() }) },
}

function packContext(out: MsgpackWriter, message: { readonly run: number; readonly context: number }): void {
  out.int(message.run)
  out.int(message.context)
}

/** Copied: the frame's bytes do not outlive the call. */
function readKey(from: MsgpackReader): Uint8Array {
  const key = from.bin(NAME_KEY_BYTES).slice()
  if (key.length !== NAME_KEY_BYTES) throw new MalformedMessageError('a key of another length')
  return key
}

function readMode(from: MsgpackReader): NameMode {
  const mode = NAME_MODES[from.uint32()]
  if (mode === undefined) throw new MalformedMessageError('an unknown mode')
  return mode
}
