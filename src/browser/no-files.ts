import { noNetwork } from './no-network.ts'

/** happy-dom's cache of responses on disk: there are neither responses nor a disk. */
export default class NoFiles {
  load(): never {
    throw noNetwork('A cache of responses')
  }

  save(): never {
    throw noNetwork('A cache of responses')
  }
}
