import { type AskBusy, askBusyCodec, type Busy, busyCodec } from './busy-messages.ts'
import { type ChannelLimits, packChannelLimits, readChannelLimits } from './channel-limits.ts'
import {
  defineLink,
  intList,
  MalformedMessageError,
  optionalNumber,
  optionalString,
  readIntList,
  readOptionalNumber,
  readOptionalString,
} from './link.ts'
import { MAX_NAME } from './limits.ts'
import { type PlacementMessage, placementCodec, type Trust, TRUSTS } from './placement.ts'
import type { MsgpackReader } from './msgpack/reader.ts'
import { type Grant, GRANT_FIELDS, MAX_KNOWN_WORKERS, packGrant, readGrant } from './grant.ts'
import { readReport, type Report, writeReport } from './report.ts'
import { type LeasedNamed, leasedNamedCodec, type LeaseNamed, leaseNamedCodec } from './named-messages.ts'
import {
  type Crashed,
  crashedCodec,
  type Draining,
  drainingCodec,
  type ScriptRefused,
  scriptRefusedCodec,
  type Warning,
  warningCodec,
} from './tenant-messages.ts'

/** UTF-16 code units of a text for people: a message, a status document. */
const MAX_TEXT = 200_000
/** What a lease is for: one-shot runs, a context that stays, one run with a process of its own, or the tenant's compiler. */
export const LEASE_PURPOSES = ['run', 'context', 'process', 'compile'] as const
export type LeasePurpose = (typeof LEASE_PURPOSES)[number]

/** Client → daemon. Untrusted: any process that may open the socket. */
export type ClientToDaemon =
  | AskBusy
  | Crashed
  | LeaseNamed
  | PlacementMessage
  | {
      readonly type: 'hello'
      readonly minVersion: number
      readonly maxVersion: number
      readonly tenant: string | undefined
      readonly token: string | undefined
    }
  /** Asks for a worker, and waits for one for at most so many milliseconds, or the daemon's limit. `known` are those that the client has a channel to already: if the daemon picks one of them, no ticket is made. */
  | {
      readonly type: 'lease'
      readonly request: number
      readonly purpose: LeasePurpose
      readonly known: readonly number[]
      readonly waitMs: number
    }
  /** The client wants this run ended: it was cancelled, or is overdue. */
  | { readonly type: 'interrupt'; readonly worker: number; readonly channel: number; readonly run: number }
  /** The worker broke the protocol: end it. */
  | { readonly type: 'distrust'; readonly worker: number; readonly reason: string }
  | { readonly type: 'status'; readonly request: number }
  | { readonly type: 'stop'; readonly request: number }

/** Daemon → client. */
export type DaemonToClient =
  | Busy
  | Draining
  | LeasedNamed
  | ScriptRefused
  | Warning
  | {
      readonly type: 'welcome'
      readonly version: number
      readonly daemonVersion: string
      readonly timeoutMs: number
      readonly maxTimeoutMs: number
      /** What its guests may have at most. */
      readonly limits: ChannelLimits
      /** V8 heap of a worker of the tenant's, in bytes. */
      readonly memoryBytes: number
      /** The least that the tenant's clients may ask for. */
      readonly trust: Trust
    }
  /** The answer to a hello that cannot be served; the daemon closes the connection. */
  | { readonly type: 'refused'; readonly code: string; readonly message: string }
  | ({ readonly type: 'leased' } & Grant)
  | {
      readonly type: 'denied'
      readonly request: number
      readonly code: string
      readonly message: string
      readonly retryAfterMs: number | undefined
      /** If it is for want of workers: the lease's place among those that wait, and what keeps it. */
      readonly position: number | undefined
      readonly blockedBy: string | undefined
    }
  /** A worker that this client has leased is gone; the report says why. */
  | { readonly type: 'lost'; readonly worker: number; readonly report: Report }
  /** JSON text: the document grows from release to release, and nothing in it steers the client. */
  | { readonly type: 'status'; readonly request: number; readonly json: string }
  | { readonly type: 'stopping'; readonly request: number }

export const clientToDaemon = defineLink<ClientToDaemon>({
  askBusy: askBusyCodec,
  crashed: crashedCodec,
  leaseNamed: leaseNamedCodec,
  placement: placementCodec,
  hello: {
    code: 1,
    fields: 4,
    pack(out, message) {
      out.int(message.minVersion)
      out.int(message.maxVersion)
      optionalString(out, message.tenant)
      optionalString(out, message.token)
    },
    unpack: (from) => ({
      type: 'hello',
      minVersion: from.uint32(),
      maxVersion: from.uint32(),
      tenant: readOptionalString(from, MAX_NAME),
      token: readOptionalString(from, MAX_NAME),
    }),
  },
  lease: {
    code: 2,
    fields: 4,
    pack(out, message) {
      out.int(message.request)
      out.int(LEASE_PURPOSES.indexOf(message.purpose))
      intList(out, message.known)
      out.int(message.waitMs)
    },
    unpack(from) {
      const request = from.uint32()
      const purpose = LEASE_PURPOSES[from.uint32()]
      if (purpose === undefined) throw new MalformedMessageError('an unknown purpose of a lease')
      return { type: 'lease', request, purpose, known: readIntList(from, MAX_KNOWN_WORKERS), waitMs: from.uint32() }
    },
  },
  interrupt: {
    code: 3,
    fields: 3,
    pack(out, message) {
      out.int(message.worker)
      out.int(message.channel)
      out.int(message.run)
    },
    unpack: (from) => ({ type: 'interrupt', worker: from.uint32(), channel: from.uint32(), run: from.uint32() }),
  },
  distrust: {
    code: 4,
    fields: 2,
    pack(out, message) {
      out.int(message.worker)
      out.string(message.reason.slice(0, MAX_NAME))
    },
    unpack: (from) => ({ type: 'distrust', worker: from.uint32(), reason: from.string(MAX_NAME) }),
  },
  status: {
    code: 5,
    fields: 1,
    pack: (out, message) => out.int(message.request),
    unpack: (from) => ({ type: 'status', request: from.uint32() }),
  },
  stop: {
    code: 6,
    fields: 1,
    pack: (out, message) => out.int(message.request),
    unpack: (from) => ({ type: 'stop', request: from.uint32() }),
  },
})

function readTrust(from: MsgpackReader): Trust {
  const trust = TRUSTS[from.uint32()]
  if (trust === undefined) throw new MalformedMessageError('an unknown trust')
  return trust
}

export const daemonToClient = defineLink<DaemonToClient>({
  busy: busyCodec,
  draining: drainingCodec,
  leasedNamed: leasedNamedCodec,
  scriptRefused: scriptRefusedCodec,
  warning: warningCodec,
  welcome: {
    code: 1,
    fields: 7,
    pack(out, message) {
      out.int(message.version)
      out.string(message.daemonVersion)
      out.int(message.timeoutMs)
      out.int(message.maxTimeoutMs)
      packChannelLimits(out, message.limits)
      out.number(message.memoryBytes)
      out.int(TRUSTS.indexOf(message.trust))
    },
    unpack: (from) => ({
      type: 'welcome',
      version: from.uint32(),
      daemonVersion: from.string(MAX_NAME),
      timeoutMs: from.uint32(),
      maxTimeoutMs: from.uint32(),
      limits: readChannelLimits(from),
      memoryBytes: from.number(),
      trust: readTrust(from),
    }),
  },
  refused: {
    code: 2,
    fields: 2,
    pack(out, message) {
      out.string(message.code)
      out.string(message.message)
    },
    unpack: (from) => ({ type: 'refused', code: from.string(MAX_NAME), message: from.string(MAX_TEXT) }),
  },
  leased: {
    code: 3,
    fields: GRANT_FIELDS,
    pack: packGrant,
    unpack: (from) => ({ type: 'leased', ...readGrant(from) }),
  },
  denied: {
    code: 4,
    fields: 6,
    pack(out, message) {
      out.int(message.request)
      out.string(message.code)
      out.string(message.message)
      optionalNumber(out, message.retryAfterMs)
      optionalNumber(out, message.position)
      optionalString(out, message.blockedBy)
    },
    unpack: (from) => ({
      type: 'denied',
      request: from.uint32(),
      code: from.string(MAX_NAME),
      message: from.string(MAX_TEXT),
      retryAfterMs: readOptionalNumber(from),
      position: readOptionalNumber(from),
      blockedBy: readOptionalString(from, MAX_NAME),
    }),
  },
  lost: {
    code: 5,
    fields: 2,
    pack(out, message) {
      out.int(message.worker)
      writeReport(out, message.report)
    },
    unpack: (from) => ({ type: 'lost', worker: from.uint32(), report: readReport(from) }),
  },
  status: {
    code: 6,
    fields: 2,
    pack(out, message) {
      out.int(message.request)
      out.string(message.json)
    },
    unpack: (from) => ({ type: 'status', request: from.uint32(), json: from.string(MAX_TEXT) }),
  },
  stopping: {
    code: 7,
    fields: 1,
    pack: (out, message) => out.int(message.request),
    unpack: (from) => ({ type: 'stopping', request: from.uint32() }),
  },
})
