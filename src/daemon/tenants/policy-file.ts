import { readChecked } from '../config/checked-file.ts'
import type { Fault } from '../config/rules.ts'
import { type Policy, policySchema } from './policy.ts'

/** Reads a policy: JSON with comments. Whole or not at all: one error, and none of it holds. Throws ERR_POLICY with path, line, key, rule and value. */
export function readPolicy(path: string): Policy {
  const file = readChecked(path, { title: 'policy', code: 'ERR_POLICY' }, policySchema)
  const fault = policyFault(file.value)
  if (fault !== undefined) throw file.refused(fault)
  return file.value
}

/** What is wrong between the parts of a policy: a token or a user names one tenant; a default deadline is not over the longest. */
export function policyFault(policy: Policy): Fault | undefined {
  const owners = new Map<string, string>()
  for (const [name, { tokens = [], uids = [], limits }] of Object.entries(policy.tenants)) {
    for (const [kind, list] of [
      ['tokens', tokens],
      ['uids', uids],
    ] as const) {
      for (const [index, each] of list.entries()) {
        const owner = owners.get(String(each))
        if (owner !== undefined) return { keys: ['tenants', name, kind, index], rule: `names tenant '${owner}' already` }
        owners.set(String(each), name)
      }
    }
    if (limits?.timeout !== undefined && limits.maxTimeout !== undefined && limits.timeout > limits.maxTimeout)
      return { keys: ['tenants', name, 'limits', 'timeout'], rule: "is over 'maxTimeout'" }
  }
  return undefined
}
