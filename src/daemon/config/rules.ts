import * as v from 'valibot'
import { bytesOf, QUANTITY } from './bytes.ts'

/** Rules that options and policy share. Each says in its message what is right; what is wrong is added by who reports it. */

/** A whole number within `min` and `max`, both included. */
export const whole = (min: number, max: number) => {
  const rule = `must be a whole number from ${min} to ${max}`
  return v.pipe(v.number(rule), v.integer(rule), v.minValue(min, rule), v.maxValue(max, rule))
}

export const text = v.pipe(v.string('must be a string'), v.nonEmpty('must not be empty'))

export const oneOf = <const Choices extends readonly string[]>(choices: Choices) => v.picklist(choices, `must be one of ${quoted(choices)}`)

export const listOf = <const Choices extends readonly string[]>(choices: Choices) =>
  v.array(v.picklist(choices, `must be one of ${quoted(choices)}`), `must be a list of ${quoted(choices)}`)

/** An amount of memory, as a number of bytes or as a text with a unit. */
export const bytes = (min: number, max: number) => {
  const rule = `must be a number of bytes from ${min} to ${max}, or such a text as '256M'`
  const quantity = v.pipe(v.string(rule), v.regex(QUANTITY, rule), v.transform(bytesOf), v.minValue(min, rule), v.maxValue(max, rule))
  return v.union([v.pipe(v.number(rule), v.integer(rule), v.minValue(min, rule), v.maxValue(max, rule)), quantity], rule)
}

/** Which part of a value breaks a rule, and which. */
export interface Fault {
  readonly keys: readonly (string | number)[]
  readonly rule: string
}

/** The first thing that is wrong, in words. */
export function faultOf(issue: v.BaseIssue<unknown>): Fault {
  const keys = (issue.path ?? []).map(({ key }) => key as string | number)
  // Of the alternatives, the one that got furthest is the one that was meant.
  const inner = issue.type === 'union' ? issue.issues?.find(({ path }) => path !== undefined) : undefined
  if (inner === undefined) return { keys, rule: ruleOf(issue) }
  const deeper = faultOf(inner)
  return { keys: [...keys, ...deeper.keys], rule: deeper.rule }
}

function ruleOf({ type, expected, received, message }: v.BaseIssue<unknown>): string {
  if (type !== 'strict_object') return message
  if (expected === 'never') return 'is not an option'
  return received === 'undefined' ? 'is missing' : 'must be an object'
}

function quoted(choices: readonly string[]): string {
  return choices.map((choice) => `'${choice}'`).join(', ')
}
