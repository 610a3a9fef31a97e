import base64 from 'virtual:web-base64-source'
import clone from 'virtual:web-clone-source'
import crypto from 'virtual:web-crypto-source'
import deterministic from 'virtual:web-deterministic-source'
import domException from 'virtual:web-dom-exception-source'
import encoding from 'virtual:web-encoding-source'
import events from 'virtual:web-events-source'
import legacyEncodings from 'virtual:web-legacy-encodings-source'
import performance from 'virtual:web-performance-source'
import streams from 'virtual:web-streams-source'
import url from 'virtual:web-url-source'
import type { LibraryName } from './realm/web/libraries.ts'

/** The scripts of the web libraries, for a realm to evaluate when its guest first needs one. */
export const webSources: Readonly<Record<LibraryName, string>> = {
  base64,
  clone,
  crypto,
  deterministic,
  'dom-exception': domException,
  encoding,
  events,
  'legacy-encodings': legacyEncodings,
  performance,
  streams,
  url,
}
