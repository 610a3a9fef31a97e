/** What a chart is drawn in: GitHub's own colours, which have the contrast that text needs. Each value occurs once, because the dark ones are put in its place. */
export const LIGHT = {
  background: '#ffffff',
  text: '#1f2328',
  muted: '#59636e',
  line: '#d1d9e0',
  /** Glovebox. */
  ours: '#0969da',
  /** What it is compared with. */
  peer: '#afb8c1',
  /** Where a target does not hold. */
  missed: '#bc4c00',
} as const

const DARK: Record<keyof typeof LIGHT, string> = {
  background: '#0d1117',
  text: '#f0f6fc',
  muted: '#9198a1',
  line: '#3d444d',
  ours: '#4493f8',
  peer: '#656c76',
  missed: '#f0883e',
}

/** For readers who have chosen a dark page. The background is part of the picture, so that it can be read on any. */
export function darkStyle(): string {
  const rules = (Object.keys(LIGHT) as (keyof typeof LIGHT)[]).map(
    (role) => `[fill="${LIGHT[role]}"]{fill:${DARK[role]}}[stroke="${LIGHT[role]}"]{stroke:${DARK[role]}}`,
  )
  return `<style>@media (prefers-color-scheme: dark){${rules.join('')}}</style>`
}
