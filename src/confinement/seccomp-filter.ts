import { finish, type Instruction, jumpAnyBit, jumpEqual, loadArch, loadArgument, loadNumber, VERDICT } from './bpf.ts'
import { AUDIT_ARCH, type FilterArch, type SyscallName, syscallNumber } from './syscall-numbers.ts'

/** A condition on one argument. All 64 bits count, unless the kernel takes an int (`int: true`) and ignores the upper half. */
export type Condition =
  | { readonly argument: number; readonly int?: true; readonly oneOf: readonly number[] }
  /** No bit outside the mask may be set. */
  | { readonly argument: number; readonly int?: true; readonly within: number }
  /** The bit must be set. One bit; the upper half is not looked at. */
  | { readonly argument: number; readonly hasBit: number }

/** What one call gets. Rules for the same call are alternatives; the first whose conditions all hold decides. */
export interface Rule {
  readonly call: SyscallName
  readonly when?: readonly Condition[]
  readonly verdict: number
  /** Why, for the reader of the table. */
  readonly reason: string
}

const EPERM = 1
/** The x32 calls of x86-64 carry this bit in their number. */
const X32_BIT = 0x40000000

export interface FilterPolicy {
  readonly rules: readonly Rule[]
  /** For calls that no rule decides. */
  readonly otherwise: number
}

/**
 * Compiles a policy. Calls of another architecture (32-bit calls of a 64-bit process) kill: no such code runs here. Rules are tried in order, so the most frequent calls come first.
 */
export function compileFilter(policy: FilterPolicy, arch: FilterArch): Instruction[] {
  const program: Instruction[] = [loadArch(), jumpEqual(AUDIT_ARCH[arch], 1, 0), finish(VERDICT.killProcess), loadNumber()]
  if (arch === 'x64') program.push(jumpAnyBit(X32_BIT, 0, 1), finish(VERDICT.errno(EPERM)))
  for (const rule of policy.rules) {
    const number = syscallNumber(rule.call, arch)
    if (number === undefined) continue
    const body = compileRule(rule)
    program.push(jumpEqual(number, 0, body.length), ...body)
  }
  program.push(finish(policy.otherwise))
  return program
}

/** What follows when the number matches. Falls through to the next rule, with the number loaded again, if a condition fails. */
function compileRule({ when = [], verdict }: Rule): Instruction[] {
  if (when.length === 0) return [finish(verdict)]
  const conditions = when.map(compileCondition)
  let left = conditions.reduce((sum, { length }) => sum + length, 0)
  const body: Instruction[] = []
  for (const condition of conditions) {
    for (const step of condition) {
      left--
      // A failed condition jumps over what is left of all conditions, and over the verdict.
      body.push(step(left + 1))
    }
  }
  return [...body, finish(verdict), loadNumber()]
}

/** A step of a condition, given how many instructions away its rule's end is. */
type Step = (toFailure: number) => Instruction

function compileCondition(condition: Condition): Step[] {
  const { argument } = condition
  if ('hasBit' in condition) return [() => loadArgument(argument, 'low'), (toFailure) => jumpAnyBit(condition.hasBit, 0, toFailure)]
  const steps: Step[] = condition.int === true ? [] : [() => loadArgument(argument, 'high'), (toFailure) => jumpEqual(0, 0, toFailure)]
  steps.push(() => loadArgument(argument, 'low'))
  if ('within' in condition) steps.push((toFailure) => jumpAnyBit(~condition.within, toFailure, 0))
  else {
    const last = condition.oneOf.length - 1
    for (const [index, value] of condition.oneOf.entries()) {
      steps.push((toFailure) => (index === last ? jumpEqual(value, 0, toFailure) : jumpEqual(value, last - index, 0)))
    }
  }
  return steps
}
