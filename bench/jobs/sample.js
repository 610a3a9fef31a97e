import { peopleOf } from '../sample-values.ts'

/** About 200 people: what most jobs work on. */
export const people = peopleOf(100_000)
