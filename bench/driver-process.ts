/** The program of a driver's process: opens one contender, runs slices when told to, and ends with its parent. */
import { getHeapStatistics } from 'node:v8'
import type { Open, Session } from './contender.ts'
import type { DriverCommand, DriverReply } from './driver.ts'
import { runSlice } from './slice.ts'
import { Tally } from './tally.ts'

const tally = new Tally()
let session: Session | undefined

async function obey(command: DriverCommand): Promise<DriverReply> {
  if (command.type === 'open') {
    const { open } = (await import(command.contender.module)) as { readonly open: Open }
    session = await open(command.contender.settings)
    const { digest } = session
    return digest === undefined ? { type: 'opened' } : { type: 'opened', digest }
  }
  if (session === undefined) throw new Error('a slice before open')
  await session.begin?.()
  const before = allocatedBytes()
  const figures = await runSlice(session, tally, command.slice)
  const allocated = allocatedBytes() - before
  await session.end?.()
  return { type: 'measured', figures, allocatedBytes: allocated }
}

function allocatedBytes(): number {
  return getHeapStatistics().total_allocated_bytes
}

async function answer(command: DriverCommand): Promise<void> {
  try {
    process.send?.(await obey(command))
  } catch (error) {
    process.send?.({ type: 'failed', message: error instanceof Error ? error.message : String(error) } satisfies DriverReply)
  }
}

async function end(): Promise<void> {
  await session?.[Symbol.asyncDispose]()
  process.exit()
}

process.on('message', (command: DriverCommand) => void answer(command))
process.on('disconnect', () => void end())
