import { internalBinding } from '../confined/internals.ts'
import type { GuestPlace } from '../protocol/report.ts'
import { fromSourceUrl } from '../protocol/source-url.ts'

/** Frames that are looked at: those of ours on top are some ten. */
const LOOKED_AT = 40
/** UTF-16 code units of a name that is told. */
const MAX_TEXT = 200

const util = internalBinding('util')

/** The innermost place of the guest's that asks the worker for something right now. Called in the middle of an evaluate; takes some ten microseconds, and enters nothing of the guest's. */
export function guestPlace(): GuestPlace | undefined {
  const sites = util.getCallSites(LOOKED_AT)
  for (let i = 0; i < sites.length; i++) {
    const site = sites[i]
    if (site === undefined || isOurs(site.scriptName)) continue
    return {
      functionName: site.functionName === '' ? undefined : site.functionName.slice(0, MAX_TEXT),
      file: fromSourceUrl(site.scriptName).slice(0, MAX_TEXT),
      line: site.lineNumber,
      column: site.columnNumber,
    }
  }
  return undefined
}

/** Scripts of ours and of Node's; a guest's has no name if it comes from `eval`, and then its caller is told. */
function isOurs(script: string): boolean {
  return script === '' || script.startsWith('glovebox:') || script.startsWith('node:')
}
