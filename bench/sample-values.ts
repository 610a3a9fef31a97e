/** What goes in and out in P7. `count` says which of the round trips it was, so that each can be seen to have been made. */
export interface SampleValue {
  count: number
  readonly payload: unknown
}

/** Bytes of JSON, or of an array of bytes. */
export const SAMPLES = {
  '1 KB of JSON-like data': () => peopleOf(1_000),
  '100 KB of JSON-like data': () => peopleOf(100_000),
  '10 MB of JSON-like data': () => peopleOf(10_000_000),
  '10 MB of bytes': () => new Uint8Array(10_000_000).fill(7),
} as const

export type SampleName = keyof typeof SAMPLES

export function sampleValue(settings: Readonly<Record<string, unknown>> | undefined): SampleValue {
  return { count: 0, payload: SAMPLES[settings?.['sample'] as SampleName]() }
}

/** What the other side does with a value before it sends it back: the same in each contender. */
export const COUNT_ON = '(value) => { value.count++; return value }'

/** The answer of one round trip. */
export function countOf(back: unknown, sent: SampleValue): number {
  const { count, payload } = back as SampleValue
  const lengthOf = (list: unknown): number => (list as { readonly length: number }).length
  if (lengthOf(payload) !== lengthOf(sent.payload)) throw new Error('the payload did not come back whole')
  return count
}

const FIRST_NAMES = ['Ada', 'Grace', 'Edsger', 'Barbara', 'Donald', 'Frances', 'Łukasz', 'Zoë']
const LAST_NAMES = ['Lovelace', 'Hopper', 'Dijkstra', 'Liskov', 'Knuth', 'Allen', 'Müller', 'García']
const WORDS = 'the quick brown fox jumps over a lazy dog while seven wizards quietly mix jugs of liquid'.split(' ')

/** People as services answer with them: numbers, short and longer texts, some of them not ASCII, lists, objects within objects. */
export function peopleOf(bytes: number): unknown[] {
  let seed = 1
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff
    return Math.floor((seed / 0x8000_0000) * below)
  }
  const one = <Item>(list: readonly Item[]): Item => list[random(list.length)] as Item
  const many = <Item>(count: number, make: (index: number) => Item): Item[] => Array.from({ length: count }, (_, index) => make(index))
  const name = (): string => `${one(FIRST_NAMES)} ${one(LAST_NAMES)}`
  const person = (id: number): unknown => ({
    id,
    guid: many(32, () => random(16).toString(16)).join(''),
    name: name(),
    active: random(2) === 1,
    balance: random(1_000_000) / 100,
    age: 20 + random(50),
    email: `user${id}@example.com`,
    registered: new Date(1_600_000_000_000 + random(1_000_000_000)).toISOString(),
    location: { latitude: random(180_000_000) / 1_000_000 - 90, longitude: random(360_000_000) / 1_000_000 - 180 },
    tags: many(4, () => one(WORDS)),
    friends: many(3, (friend) => ({ id: friend, name: name() })),
    about: many(12, () => one(WORDS)).join(' '),
    manager: null,
  })
  const people: string[] = []
  for (let size = 0; size < bytes; size += (people.at(-1) as string).length) people.push(JSON.stringify(person(people.length)))
  // Parsed, so that objects and texts are as they are in a program that got them from somewhere.
  return people.map((text) => JSON.parse(text) as unknown)
}
