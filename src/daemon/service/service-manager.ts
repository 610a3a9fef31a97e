import { monotonicMs } from '../../base/clock.ts'
import { bindLibc } from '../../base/libc.ts'

const AF_UNIX = 1
const SOCK_DGRAM = 2
const SOCK_CLOEXEC = 0o2000000
/** Neither wait nor die if nobody reads. */
const MSG_DONTWAIT_NOSIGNAL = 0x40 | 0x4000
/** sun_path. */
const MAX_PATH_BYTES = 108
/** How often the status line is looked at where no watchdog asks for more, in milliseconds. */
const STATUS_INTERVAL_MS = 5_000
/** What it takes to end all workers after a drain, in milliseconds. */
const AFTER_DRAIN_MS = 10_000

const libc = bindLibc({
  socket: { arguments: ['int32', 'int32', 'int32'], return: 'int32' },
  sendto: { arguments: ['int32', 'pointer', 'uint64', 'int32', 'pointer', 'uint32'], return: 'int64' },
  close: { arguments: ['int32'], return: 'int32' },
})

/**
 * Tells the service manager how the daemon is: sd_notify(3). A manager that does not listen is not waited for.
 */
export class ServiceManager implements Disposable {
  readonly #address: Buffer
  readonly #watchdogMs: number | undefined
  #timer: NodeJS.Timeout | undefined
  #said = ''

  private constructor(address: Buffer, watchdogMs: number | undefined) {
    this.#address = address
    this.#watchdogMs = watchdogMs
  }

  /** The manager that the environment names (`NOTIFY_SOCKET`, `WATCHDOG_USEC`), if there is one. */
  static of(environment: Readonly<Record<string, string | undefined>>): ServiceManager | undefined {
    const { NOTIFY_SOCKET: path, WATCHDOG_USEC: watchdog, WATCHDOG_PID: pid } = environment
    const address = path === undefined || libc === undefined ? undefined : addressOf(path)
    if (address === undefined) return undefined
    const isWatched = watchdog !== undefined && (pid === undefined || pid === String(process.pid))
    const watchdogMs = isWatched ? Number(watchdog) / 1_000 : 0
    return new ServiceManager(address, watchdogMs > 0 ? watchdogMs : undefined)
  }

  /** The daemon serves. From now on it says so, twice in the time that the watchdog gives, with a line about what it does. */
  ready(status: () => string): void {
    this.#send('READY=1')
    const tick = (): void => {
      const said = status()
      if (said !== this.#said) this.#send(`STATUS=${said}`)
      this.#said = said
      if (this.#watchdogMs !== undefined) this.#send('WATCHDOG=1')
    }
    tick()
    this.#timer = setInterval(tick, Math.min(STATUS_INTERVAL_MS, (this.#watchdogMs ?? STATUS_INTERVAL_MS) / 2)).unref()
  }

  /** Reads the configuration again, while `reload` does. */
  reloading(reload: () => void): void {
    this.#send(`RELOADING=1\nMONOTONIC_USEC=${Math.round(monotonicMs() * 1_000)}`)
    reload()
    this.#send('READY=1')
  }

  /** Lets runs finish, for as long as that may take; a manager that would wait less is asked to. */
  stopping(drainMs: number): void {
    this.#send(`STOPPING=1\nSTATUS=lets runs finish\nEXTEND_TIMEOUT_USEC=${(drainMs + AFTER_DRAIN_MS) * 1_000}`)
    this.#said = ''
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  #send(text: string): void {
    if (libc === undefined) return
    const { socket, sendto, close } = libc.functions
    const fd = Number(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0))
    if (fd < 0) return
    const bytes = Buffer.from(text)
    sendto(fd, libc.addressOf(bytes), BigInt(bytes.length), MSG_DONTWAIT_NOSIGNAL, libc.addressOf(this.#address), this.#address.length)
    close(fd)
  }
}

/** struct sockaddr_un of a path, or of an abstract name behind `@`. */
function addressOf(path: string): Buffer | undefined {
  const name = Buffer.from(path.startsWith('@') ? `\0${path.slice(1)}` : path)
  if (!/^[/@]./.test(path) || name.length > MAX_PATH_BYTES) return undefined
  const family = Buffer.alloc(2)
  family.writeUInt16LE(AF_UNIX)
  return Buffer.concat([family, name])
}
