import { createHash, randomBytes } from 'node:crypto'
import { lstat, mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { errorMessage } from '../../base/error.ts'
import { nativeStrings } from '../../base/native-strings.ts'
import { InvalidOptionError } from '../../base/options.ts'
import { compilerToClient } from '../../protocol/compiler-link.ts'
import { FRAME_HEADER_BYTES } from '../../protocol/framing.ts'
import { MAX_COMPILED_FRAME_BYTES } from '../../protocol/limits.ts'
import { closeFrame, MalformedMessageError } from '../../protocol/link.ts'
import { MsgpackReader } from '../../protocol/msgpack/reader.ts'
import { MsgpackWriter } from '../../protocol/msgpack/writer.ts'
import type { CompileAnswer } from './compiler-channel.ts'

/** Bytes of all files together. The least recently used go first. */
const MAX_TOTAL_BYTES = 256 * 1024 * 1024
/** After a cleaning so much of that is left, so that not every write cleans. */
const KEPT_SHARE = 0.8
/** A file's time of use is as exact as this, in milliseconds: not every read writes. */
const USE_RESOLUTION_MS = 3_600_000
/** First bytes of a file: what it is, and the version of what follows. */
const MAGIC = Buffer.from('glovebox-compiled-1\n')
const DIGEST_BYTES = 32
const FILE = /^[0-9a-f]{64}\.gbx$/
/** A file that its writer did not live to name. */
const UNFINISHED = /^[0-9a-f]{64}\.gbx\.[\w.]+$/

interface CacheFile {
  readonly path: string
  readonly size: number
  readonly mtimeMs: number
}

/**
 * Compiled sources in a directory, one file each, named by hash. A file that is not whole, or not what its name says, counts as absent. Others of this user may share the directory, at the same time too. What cannot be read or
 * written is done without: a cache is there to save time.
 */
export class DiskCache {
  readonly #directory: string
  readonly #maxBytes: number
  /** What is there by this process's reckoning; undefined before it has looked. */
  #totalBytes: number | undefined

  private constructor(directory: string, maxBytes: number) {
    this.#directory = directory
    this.#maxBytes = maxBytes
  }

  /** Throws ERR_INVALID_OPTION if others than this user could have put files there: V8 would trust the code in them. */
  static async open(path: string, maxBytes = MAX_TOTAL_BYTES): Promise<DiskCache> {
    const directory = resolve(path)
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 })
    } catch (error) {
      throw new InvalidOptionError('cacheDir', `must be a directory that can be made: ${errorMessage(error)}`, path)
    }
    const found = await lstat(directory)
    if (!found.isDirectory() || found.uid !== process.getuid?.() || (found.mode & 0o022) !== 0)
      throw new InvalidOptionError('cacheDir', 'must be a directory of this user’s that nobody else may write to', path)
    return new DiskCache(directory, maxBytes)
  }

  async read(hash: string): Promise<CompileAnswer | undefined> {
    const path = this.#pathOf(hash)
    let bytes: Buffer
    try {
      const found = await lstat(path)
      // A device or a pipe has no end, or no beginning.
      if (!found.isFile() || found.size > MAX_COMPILED_FRAME_BYTES) return undefined
      const { mtimeMs } = found
      bytes = await readFile(path)
      const now = Date.now()
      if (now - mtimeMs > USE_RESOLUTION_MS) await utimes(path, now / 1_000, now / 1_000)
    } catch {
      return undefined
    }
    const answer = decode(bytes)
    if (answer !== undefined && Buffer.from(answer.hash).toString('hex') === hash) return answer
    await this.remove(hash)
    return undefined
  }

  async write(hash: string, answer: CompileAnswer): Promise<void> {
    const bytes = encode(answer)
    const path = this.#pathOf(hash)
    const unfinished = `${path}.${randomBytes(8).toString('hex')}`
    try {
      await writeFile(unfinished, bytes, { mode: 0o600, flag: 'wx' })
      await rename(unfinished, path)
      await this.#makeRoom(bytes.length)
    } catch {
      await rm(unfinished, { force: true }).catch(() => undefined)
    }
  }

  /** V8 does not take its code cache any more, or it is damaged. */
  async remove(hash: string): Promise<void> {
    await rm(this.#pathOf(hash), { force: true }).catch(() => undefined)
  }

  #pathOf(hash: string): string {
    return join(this.#directory, `${hash}.gbx`)
  }

  async #makeRoom(added: number): Promise<void> {
    if (this.#totalBytes !== undefined) this.#totalBytes += added
    if (this.#totalBytes !== undefined && this.#totalBytes <= this.#maxBytes) return
    const files = await this.#list()
    let total = files.reduce((sum, { size }) => sum + size, 0)
    const oldestFirst = files.toSorted((a, b) => a.mtimeMs - b.mtimeMs)
    const target = total > this.#maxBytes ? KEPT_SHARE * this.#maxBytes : total
    for (const { path, size } of oldestFirst) {
      if (total <= target) break
      await rm(path, { force: true })
      total -= size
    }
    this.#totalBytes = total
  }

  async #list(): Promise<CacheFile[]> {
    const files: CacheFile[] = []
    for (const name of await readdir(this.#directory)) {
      const unfinished = UNFINISHED.test(name)
      if (!unfinished && !FILE.test(name)) continue
      const path = join(this.#directory, name)
      const found = await stat(path).catch(() => undefined)
      if (found === undefined) continue
      if (!unfinished) files.push({ path, size: found.size, mtimeMs: found.mtimeMs })
      else if (Date.now() - found.mtimeMs > USE_RESOLUTION_MS) await rm(path, { force: true })
    }
    return files
  }
}

function encode(answer: CompileAnswer): Buffer {
  const out = new MsgpackWriter({ maxBytes: MAX_COMPILED_FRAME_BYTES, strings: nativeStrings })
  closeFrame(out, compilerToClient.open(out, { ...answer, request: 0 }))
  const body = out.view(FRAME_HEADER_BYTES)
  return Buffer.concat([MAGIC, digestOf(body), body])
}

function decode(bytes: Buffer): CompileAnswer | undefined {
  const start = MAGIC.length + DIGEST_BYTES
  const body = bytes.subarray(start)
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC) || !bytes.subarray(MAGIC.length, start).equals(digestOf(body))) return undefined
  try {
    const answer = compilerToClient.read(new MsgpackReader(body, 0, body.length, nativeStrings))
    return answer.type === 'compiled' ? answer : undefined
  } catch (error) {
    if (error instanceof MalformedMessageError) return undefined
    throw error
  }
}

function digestOf(body: Uint8Array): Buffer {
  return createHash('sha256').update(body).digest()
}
