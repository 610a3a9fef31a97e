import { MAX_URL } from '../protocol/limits.ts'
import { fillRandom } from '../base/random.ts'
import { Answer, type RealmRecord, Request } from './realm/record.ts'
import type { UrlMember } from './realm/web/host.ts'
import type { LibraryName } from './realm/web/libraries.ts'
import { parseUrl, updateUrl } from './url-parser.ts'
import { webSources } from './web-sources.ts'

/** Steps of the clock that guests see in a millisecond: as for a page that shares its process with nobody (https://w3c.github.io/hr-time/#dfn-coarsen-time). */
const CLOCK_STEPS = 200

/** Monotonic milliseconds for guests. */
export function guestClockMs(): number {
  return Math.floor(performance.now() * CLOCK_STEPS) / CLOCK_STEPS
}

/**
 * Answers what a realm side asks for its web globals: primitives in, primitives out, but for random bytes, which go into `input`. undefined if the request is none of these.
 * Nothing but a primitive of the right type is used, whatever the record holds.
 */
export function answerService(request: number, record: RealmRecord, input: () => Uint8Array): number | undefined {
  switch (request) {
    case Request.timeOrigin:
      record.reply = performance.timeOrigin
      return Answer.primitive
    case Request.random: {
      const { replyLength } = record
      const bytes = input()
      if (typeof replyLength !== 'number' || !(replyLength >= 0 && replyLength <= bytes.length)) return Answer.refused
      fillRandom(bytes.subarray(0, replyLength))
      return Answer.primitive
    }
    case Request.parseUrl: {
      const { askedText, askedOther } = record
      record.reply = isShort(askedText) && (askedOther === undefined || isShort(askedOther)) ? parseUrl(askedText, askedOther) : undefined
      return Answer.primitive
    }
    case Request.updateUrl: {
      const { asked, askedText, askedOther } = record
      if (typeof asked !== 'string' || typeof askedText !== 'string') return Answer.refused
      // What the standard says of a value that no URL can have: nothing changes.
      record.reply = isShort(askedText) && isShort(askedOther) ? updateUrl(askedText, asked as UrlMember, askedOther) : askedText
      return Answer.primitive
    }
    case Request.library:
      record.reply = libraryOf(record.asked)
      return Answer.primitive
    default:
      return undefined
  }
}

/** Nothing of this realm's but a text, whatever is asked. */
function libraryOf(name: unknown): string | undefined {
  return typeof name === 'string' && Object.hasOwn(webSources, name) ? webSources[name as LibraryName] : undefined
}

const isShort = (text: string | undefined): text is string => typeof text === 'string' && text.length <= MAX_URL
