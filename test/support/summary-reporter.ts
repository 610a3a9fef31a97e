import type { Reporter, TestCase, TestModule, TestRunEndReason } from 'vitest/node'

/**
 * Lists every skipped test with its reason, and ends the output with the plain line `N passed, N failed, N skipped`.
 * A run in which nothing passed or failed is a failed run.
 */
export default class SummaryReporter implements Reporter {
  #passed = 0
  #failed = 0
  #skipped: string[] = []
  #stopped = false

  constructor() {
    // Only at exit is it certain that no other reporter prints after the last line.
    process.once('exit', () => this.#finish())
  }

  onTestRunStart() {
    this.#passed = 0
    this.#failed = 0
    this.#skipped = []
    this.#stopped = false
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[], reason: TestRunEndReason) {
    this.#stopped = reason !== 'passed'
    // An error outside any test counts as a failure of its own.
    this.#failed += unhandledErrors.length
    for (const module of modules) {
      for (const test of module.children.allTests()) this.#count(test)
      // A file that cannot be loaded, or a hook of a suite that throws, has no test of its own to blame.
      this.#failed += module.errors().length
      for (const suite of module.children.allSuites()) this.#failed += suite.errors().length
    }
  }

  #count(test: TestCase) {
    const result = test.result()
    switch (result.state) {
      case 'passed':
        this.#passed++
        break
      case 'failed':
        this.#failed++
        break
      // Pending at the end of a run: never started, because the run was cancelled.
      case 'pending':
      case 'skipped': {
        const note = result.state === 'skipped' ? result.note : 'never started'
        const why = note ?? (test.options.mode === 'todo' ? 'todo' : undefined)
        this.#skipped.push(`${test.project.name}: ${test.fullName} (${test.module.relativeModuleId})${why === undefined ? '' : `: ${why}`}`)
        break
      }
    }
  }

  #finish() {
    const ran = this.#passed + this.#failed
    if (ran === 0 || this.#failed > 0 || this.#stopped) process.exitCode ||= 1
    const lines = this.#skipped.map((test) => `skipped ${test}`)
    if (ran === 0) lines.push('no test ran')
    lines.push(`${this.#passed} passed, ${this.#failed} failed, ${this.#skipped.length} skipped`)
    process.stdout.write(`${lines.join('\n')}\n`)
  }
}
