import { defineProperty, setPrototypeOf, typedArrayLength } from '../../protocol/msgpack/intrinsics.ts'
import { awaitEnd } from './await-end.ts'
import type { VirtualClock } from './clock.ts'
import { stackOverflow } from './guest-error.ts'
import { Answer, type Bridge, type RealmRecord, Request } from './record.ts'
import type { Timers } from './timers.ts'
import type { WebHost } from './web/host.ts'
import type { LibraryName } from './web/libraries.ts'

/** What the web libraries get from the worker: numbers, texts, and random bytes in the input buffer. */
export interface WebServices {
  readonly host: WebHost
  /** The text of a library's script. */
  readonly load: (library: LibraryName) => unknown
}

export function createWebServices(record: RealmRecord, bridge: Bridge, timers: Timers, report: (error: unknown) => void): WebServices {
  const ask = (request: Request): unknown => {
    let answer: number
    try {
      answer = bridge(request)
    } catch {
      throw stackOverflow()
    }
    if (answer === Answer.end) return awaitEnd(bridge)
    if (answer !== Answer.primitive) throw stackOverflow()
    const { reply } = record
    record.reply = undefined
    return reply
  }
  const askAbout = (request: Request, subject: string, text: string, other: string | undefined): unknown => {
    record.asked = subject
    record.askedText = text
    record.askedOther = other
    const reply = ask(request)
    record.askedText = ''
    record.askedOther = undefined
    return reply
  }
  const host: WebHost = {
    get timeOrigin() {
      return ask(Request.timeOrigin) as number
    },
    now: () => ask(Request.now) as number,
    randomBytes(target) {
      const size = typedArrayLength(target)
      for (let at = 0; at < size; ) {
        const { input } = record
        const left = size - at
        const room = typedArrayLength(input)
        const count = left < room ? left : room
        record.replyLength = count
        ask(Request.random)
        for (let i = 0; i < count; i++) target[at++] = input[i] as number
      }
    },
    setTimeout: (callback, ms) => timers.after(callback, ms),
    reportError: report,
    parseUrl: (input, base) => askAbout(Request.parseUrl, '', input, base) as string | undefined,
    updateUrl: (href, member, value) => askAbout(Request.updateUrl, member, href, value) as string,
  }
  setPrototypeOf(host, null)
  return { host, load: (library) => askAbout(Request.library, library, '', undefined) }
}

/** Clock and chance of a deterministic realm, in the place of the worker's. */
export function useDeterministicServices(host: WebHost, clock: VirtualClock, randomBytes: (target: Uint8Array) => void): void {
  const { startMs } = clock
  defineProperty(host, 'timeOrigin', { __proto__: null, value: startMs } as PropertyDescriptor)
  defineProperty(host, 'now', { __proto__: null, value: () => clock.nowMs - startMs } as PropertyDescriptor)
  defineProperty(host, 'randomBytes', { __proto__: null, value: randomBytes } as PropertyDescriptor)
}
