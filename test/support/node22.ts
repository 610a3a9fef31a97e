import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The oldest Node that the client runs on. */
export const NODE_22 = join(fileURLToPath(new URL('../../tools/node22', import.meta.url)), 'node_modules', '.bin', 'node')
