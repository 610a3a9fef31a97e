import type { Row } from '../row.ts'
import { confinedBoot, confinedRun } from './layers.ts'
import { p1 } from './p1.ts'
import { p12Compile } from './p12-compile.ts'
import { p2 } from './p2.ts'
import { p11 } from './p11.ts'
import { p3, p3Browser } from './p3.ts'
import { p4 } from './p4.ts'
import { p5, p5Rate } from './p5.ts'
import { p6Async, p6Sync } from './p6.ts'
import { p7 } from './p7.ts'
import { p8 } from './p8.ts'
import { p9 } from './p9.ts'
import { p10Contexts, p10Worker } from './p10.ts'
import { p12 } from './p12.ts'

/** In the order of the targets. */
export const rows: readonly Row[] = [
  p1,
  p2,
  p3,
  p3Browser,
  ...p4,
  p5,
  p5Rate,
  p6Sync,
  p6Async,
  ...p7,
  p8,
  ...p9,
  p10Worker,
  p10Contexts,
  p11,
  p12,
  p12Compile,
  confinedRun,
  confinedBoot,
]
