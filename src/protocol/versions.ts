/** The protocol that this build speaks. The first frame of every link offers a range; the answer names the version chosen. */
export const MIN_PROTOCOL_VERSION = 1
export const MAX_PROTOCOL_VERSION = 1

/** The highest version in both ranges, or `undefined` if they do not meet. */
export function chooseVersion(peerMin: number, peerMax: number): number | undefined {
  const chosen = Math.min(peerMax, MAX_PROTOCOL_VERSION)
  return chosen >= Math.max(peerMin, MIN_PROTOCOL_VERSION) && chosen <= peerMax ? chosen : undefined
}
