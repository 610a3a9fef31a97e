/** What the table of workers can be sorted by. */
export const SORTS = ['cpu', 'memory', 'runs', 'contexts', 'tenant', 'worker'] as const
export type Sort = (typeof SORTS)[number]

export interface ViewState {
  readonly sort: Sort
  readonly isReversed: boolean
  readonly isPaused: boolean
  /** Row of the table of workers, from 0. */
  readonly row: number
  /** Whether that worker is shown alone. */
  readonly isOpen: boolean
}

export const INITIAL_VIEW: ViewState = { sort: 'cpu', isReversed: false, isPaused: false, row: 0, isOpen: false }

export const KEYS = 'q quit  p pause  s sort  r reverse  ↑↓ choose  enter look into  esc back'

/** What a key does, by its name as Node's readline has it; undefined means to leave. */
export function pressed(state: ViewState, key: string, workers: number): ViewState | undefined {
  switch (key) {
    case 'q':
      return undefined
    case 'p':
    case 'space':
      return { ...state, isPaused: !state.isPaused }
    case 's':
      return { ...state, sort: SORTS[(SORTS.indexOf(state.sort) + 1) % SORTS.length] as Sort }
    case 'r':
      return { ...state, isReversed: !state.isReversed }
    case 'up':
    case 'k':
      return { ...state, row: Math.max(0, state.row - 1) }
    case 'down':
    case 'j':
      return { ...state, row: Math.max(0, Math.min(workers - 1, state.row + 1)) }
    case 'return':
      return { ...state, isOpen: workers > 0 }
    case 'escape':
    case 'backspace':
      return { ...state, isOpen: false }
    default:
      return state
  }
}
