import { Decimal } from 'decimal.js'

/** Interest of some centuries, to a hundred digits. */
export function job() {
  const Exact = Decimal.clone({ precision: 100 })
  let capital = new Exact('1234.56')
  const lines = []
  for (let year = 1; year <= 300; year++) {
    const rate = new Exact(year % 7).plus('1.25').div(100)
    capital = capital.times(rate.plus(1)).minus(rate.sqrt())
    if (year % 50 === 0) lines.push(capital.toString(), capital.ln().toString())
  }
  return lines.join('\n')
}
