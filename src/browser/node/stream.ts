import { noNetwork } from '../no-network.ts'

const PassThrough = function (): never {
  throw noNetwork('A stream of Node')
}

/** happy-dom calls the web's streams by Node's names. */
export default { PassThrough, Transform: TransformStream, Writable: WritableStream }
