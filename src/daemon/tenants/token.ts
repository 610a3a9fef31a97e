import type nodeCrypto from 'node:crypto'

/** Where a token is compared first, not where a daemon starts: it takes 10 ms to load. */
const crypto = (): typeof nodeCrypto => process.getBuiltinModule('node:crypto')

/** 256 bits: far too many to guess, so that a plain hash of one gives nothing away. */
const TOKEN_BYTES = 32

/** A new token for a client, and what stands for it in a policy. */
export function makeToken(): { readonly token: string; readonly hash: string } {
  const token = crypto().randomBytes(TOKEN_BYTES).toString('base64url')
  return { token, hash: hashOf(token) }
}

export function hashOf(token: string): string {
  return `sha256:${crypto().createHash('sha256').update(token).digest('hex')}`
}

/** Which of these hashes is the token's: takes as long whatever the token is. Undefined if none is. */
export function findToken<Owner>(token: string, hashes: Iterable<readonly [hash: string, owner: Owner]>): Owner | undefined {
  const wanted = Buffer.from(hashOf(token))
  let found: Owner | undefined
  for (const [hash, owner] of hashes) if (crypto().timingSafeEqual(wanted, Buffer.from(hash))) found = owner
  return found
}
