import { addBusinessDays, addMonths, differenceInCalendarDays, endOfMonth, format, getISOWeek, isWeekend, parse } from 'date-fns'

/** A calendar of some thousand days. At noon, so that no time zone's clock changes matter. */
export function job() {
  const start = parse('2024-01-31 12:00', 'yyyy-MM-dd HH:mm', new Date(2000, 0, 1, 12))
  const lines = []
  for (let i = 0; i < 500; i++) {
    const day = addBusinessDays(addMonths(start, i % 24), i)
    const read = parse(format(day, 'dd MMM yyyy, HH:mm'), 'dd MMM yyyy, HH:mm', start)
    lines.push(
      `${format(read, 'EEEE, do MMMM yyyy')} ${getISOWeek(read)} ${isWeekend(read)} ${differenceInCalendarDays(endOfMonth(read), start)}`,
    )
  }
  return lines.join('\n')
}
