/** The realm's own. */
export const webcrypto = crypto

export default { randomUUID: (): string => crypto.randomUUID() }
