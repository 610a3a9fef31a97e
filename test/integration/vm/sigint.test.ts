import { connect } from 'glovebox'
import { createVm } from 'glovebox/vm'
import { expect, test } from 'vitest'
import { testDaemon } from '../../support/daemons.ts'
import { rejection } from '../../support/eventually.ts'

test('SIGINT ends a run that asked for it, and nobody else hears of it', async () => {
  await using daemon = await testDaemon()
  await using box = await connect({ socket: daemon.socket })
  const vm = createVm(box)
  let heard = 0
  const listener = (): void => void heard++
  process.on('SIGINT', listener)
  try {
    const context: Record<string, unknown> = {
      ready() {
        setTimeout(() => process.kill(process.pid, 'SIGINT'), 20)
      },
    }
    await vm.createContext(context)
    const error = await rejection(vm.runInContext('n = 1; ready(); for (;;);', context, { breakOnSigint: true, timeout: 5_000 }))
    expect(error).toMatchObject({ code: 'ERR_SCRIPT_EXECUTION_INTERRUPTED', message: 'Script execution was interrupted by `SIGINT`' })
    expect(context['n']).toBe(1)
    expect(await vm.runInContext('n + 1', context)).toBe(2)
    expect(heard).toBe(0)
    expect(process.listeners('SIGINT')).toContain(listener)
  } finally {
    process.off('SIGINT', listener)
  }
})
