import type { Box } from './box.ts'
import { connect } from './connect.ts'

let box: Promise<Box> | undefined

/** One connection for all modules that need none of the user's own; made when it is needed, and again once it is gone. Idle, it does not keep the process alive. */
export async function sharedBox(): Promise<Box> {
  const known = box
  const open = await known?.catch(() => undefined)
  if (open?.isOpen === true) return open
  // Others may have waited for the same.
  if (box === known) box = connect()
  return box as Promise<Box>
}
