import type { Row } from '../row.ts'
import { confinedBoot, confinedRun } from './layers.ts'
import { p1 } from './p1.ts'
import { p2 } from './p2.ts'

/** In the order of the targets. */
export const rows: readonly Row[] = [p1, p2, confinedRun, confinedBoot]
