/** Everything that can be asked of a call site. */
export const SITES = `
var siteNames = ['getThis', 'getTypeName', 'getFunction', 'getFunctionName', 'getMethodName', 'getFileName', 'getLineNumber',
      'getColumnNumber', 'getEvalOrigin', 'isToplevel', 'isEval', 'isNative',
  'isConstructor', 'isAsync', 'isPromiseAll', 'getPromiseIndex', 'getScriptNameOrSourceURL', 'getScriptHash', 'getEnclosingLineNumber',
      'getEnclosingColumnNumber', 'getPosition', 'toString']
var judgeSites = (sites) => { judge(sites); for (const site of sites) { judge(site); judge(Object.getPrototypeOf(site))
  for (const name of siteNames) { try { const got = site[name](); judge(got); if (typeof got === 'function') { judge(got.caller);
      judge(got.arguments) } } catch (error) { judge(error) } } } }
var preparing = false
var prepare = function (error, sites) { preparing = true; judge(error); judge(arguments); judge(this); judgeSites(sites);
      preparing = false; return sites }
`
