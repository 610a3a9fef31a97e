import type { Socket } from 'node:net'

const HEADER_BYTES = 4

/** Sends a message with its length before it, without a copy. */
export function sent(socket: Socket, body: Uint8Array): void {
  const header = Buffer.allocUnsafe(HEADER_BYTES)
  header.writeUInt32LE(body.length)
  socket.cork()
  socket.write(header)
  socket.write(body)
  socket.uncork()
}

/** Reads such messages, each into a buffer of its size. */
export function messagesOf(socket: Socket, heard: (body: Buffer) => void): void {
  const header = Buffer.alloc(HEADER_BYTES)
  let headerBytes = 0
  let body: Buffer | undefined
  let filled = 0
  socket.on('data', (chunk) => {
    for (let at = 0; at < chunk.length; ) {
      if (body === undefined) {
        header[headerBytes++] = chunk[at++] as number
        if (headerBytes < HEADER_BYTES) continue
        headerBytes = 0
        body = Buffer.allocUnsafeSlow(header.readUInt32LE())
        filled = 0
        continue
      }
      const count = (chunk as Buffer).copy(body, filled, at)
      at += count
      filled += count
      if (filled < body.length) continue
      const whole = body
      body = undefined
      heard(whole)
    }
  })
}
