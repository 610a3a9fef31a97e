// Behind a file of our own types: the package's types bring those of Node along, which this code must not see.
export { normalizeEncoding } from '@exodus/bytes/encoding-lite.js'
export { createMultibyteDecoder } from '@exodus/bytes/multi-byte.js'
export { createSinglebyteDecoder } from '@exodus/bytes/single-byte.js'
