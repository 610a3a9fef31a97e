import { createHash } from 'node:crypto'

/** What a compiled source depends on. */
export interface SourceIdentity {
  readonly language: string
  readonly format: string
  readonly filename: string | undefined
  readonly source: string
}

/**
 * SHA-256 of what a compiled source depends on, 32 bytes: of the UTF-16LE code units of `LANGUAGE LF FORMAT LF LENGTH LF`, the file name and the source. LENGTH counts the file name's code units in decimal, `-` if there is
 * none. Not of UTF-8, in which sources that differ in a lone surrogate are the same.
 */
export function sourceHash({ language, format, filename, source }: SourceIdentity): Buffer {
  const head = `${language}\n${format}\n${filename?.length ?? '-'}\n${filename ?? ''}`
  return createHash('sha256').update(head, 'utf16le').update(source, 'utf16le').digest()
}

/** SHA-256 of code, as UTF-16LE: of what runs, whatever its name and whatever it was compiled from. */
export function codeHash(code: string): Buffer {
  return createHash('sha256').update(code, 'utf16le').digest()
}
