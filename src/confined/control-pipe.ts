import { Socket } from 'node:net'
import { FrameSplitter } from '../protocol/framing.ts'
import { MAX_CONTROL_FRAME_BYTES } from '../protocol/limits.ts'
import { type DaemonToWorker, daemonToWorker, type WorkerToDaemon, workerToDaemon } from '../protocol/worker-link.ts'
import { CONTROL_FD } from './control-fd.ts'
import { exit } from './process-end.ts'

/** The link to the daemon, over a pipe that it handed over. Its end is the end of this process. */
export class ControlPipe {
  readonly #socket = new Socket({ fd: CONTROL_FD, readable: true, writable: true })

  constructor(obey: (command: DaemonToWorker) => void) {
    const commands = new FrameSplitter(MAX_CONTROL_FRAME_BYTES, (bytes, start, end) => obey(daemonToWorker.decode(bytes, start, end)))
    this.#socket.on('data', (chunk: Buffer) => commands.push(chunk))
    // The daemon is gone, or wants this process gone.
    this.#socket.on('close', () => exit(0))
    this.#socket.on('error', () => exit(0))
  }

  tell(message: WorkerToDaemon): void {
    this.#socket.write(workerToDaemon.encode(message))
  }
}
