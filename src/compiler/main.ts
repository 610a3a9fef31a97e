import { isMainThread } from 'node:worker_threads'
import type { tasks } from './thread.ts'

// One file for the process and its threads: its sandbox holds no other. Each loads its own half only.
if (isMainThread) void import('./process.ts')

type Tasks = typeof tasks
const taskOf = async <Name extends keyof Tasks>(name: Name): Promise<Tasks[Name]> => (await import('./thread.ts')).tasks[name]

/** Where piscina finds what a thread can do. */
export const warmUp = isMainThread ? undefined : taskOf('warmUp')
export const renounce = isMainThread ? undefined : taskOf('renounce')
export const attest = isMainThread ? undefined : taskOf('attest')
export const compile = isMainThread ? undefined : taskOf('compile')
