import { html } from 'htm/preact'
import { useState } from 'preact/hooks'
import { ask } from './ask.ts'

interface Played {
  readonly exitCode: number
  readonly result: string
  readonly console: string
}

const EXAMPLE = "console.log('hello from a guest')\n;[3, 1, 2].sort()"

/** Runs a snippet in a context of its own, and shows what it came to as text. */
export function Playground() {
  const [source, setSource] = useState(EXAMPLE)
  const [shown, setShown] = useState('')
  const [running, setRunning] = useState(false)
  const run = async (): Promise<void> => {
    setRunning(true)
    setShown(await runSnippet(source))
    setRunning(false)
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void run()
  }
  return html`<section id="playground"><h2>Playground</h2>
    <textarea rows="6" spellcheck="false" aria-label="snippet" value=${source} onInput=${(event: InputEvent) => setSource((event.target as HTMLTextAreaElement).value)} onKeyDown=${onKeyDown}></textarea>
    <p><button disabled=${running} onClick=${() => void run()}>Run</button> <span class="dim">in a fresh context, for 2 s at most; Ctrl+Enter</span></p>
    <pre id="output">${shown}</pre></section>`
}

async function runSnippet(source: string): Promise<string> {
  try {
    const response = await ask('/api/run', { method: 'POST', body: source })
    const answer = (await response.json()) as Played & { readonly message?: string }
    return answer.message ?? `${answer.console}${resultText(answer)}`
  } catch (error) {
    return String(error)
  }
}

/** HOSTILE: what a guest made of its result. */
function resultText({ exitCode, result }: Played): string {
  try {
    const { text } = JSON.parse(result) as { readonly text?: unknown }
    return typeof text === 'string' ? `⇒ ${text}` : `exit code ${exitCode}`
  } catch {
    return `exit code ${exitCode}: the output is cut off`
  }
}
