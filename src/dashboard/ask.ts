/** Where the key is kept: for this tab, and for this very port. A cookie would go to every port of the machine, whoever listens there, and another dashboard's would replace it. */
const KEPT_AS = 'glovebox-key'

/** The key of the address that was opened; it is taken out of the address then, and of the browser's history. */
function takeKey(): string {
  const given = new URLSearchParams(location.hash.slice(1)).get('key')
  if (given === null) return sessionStorage.getItem(KEPT_AS) ?? ''
  sessionStorage.setItem(KEPT_AS, given)
  history.replaceState(null, '', location.pathname)
  return given
}

const key = takeKey()
// The address of a daemon that was started again, put in where the page is open already.
addEventListener('hashchange', () => location.reload())

/** Asks the daemon, with the key. No page from elsewhere may send such a header. */
export async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(path, { ...init, headers: { 'x-glovebox-key': key } })
}
