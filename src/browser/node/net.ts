/** 4, 6, or 0 if it is no IP address, as Node's. */
export function isIP(text: string): number {
  if (text.includes(':')) return URL.canParse(`http://[${text}]/`) ? 6 : 0
  return /^(?:\d{1,3}\.){3}\d{1,3}$/.test(text) && URL.parse(`http://${text}/`)?.hostname === text ? 4 : 0
}
