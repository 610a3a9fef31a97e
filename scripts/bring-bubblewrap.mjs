// Before the tests: installs bubblewrap where this process may (root, with a package manager), and elsewhere says how.
// Without it the tests of namespaces are skipped, with that reason; running Glovebox never needs it.
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

const managers = [
  {
    program: 'apt-get',
    commands: [
      ['apt-get', 'update', '-qq'],
      ['apt-get', 'install', '-y', '-qq', 'bubblewrap'],
    ],
  },
  { program: 'dnf', commands: [['dnf', 'install', '-y', '-q', 'bubblewrap']] },
  { program: 'apk', commands: [['apk', 'add', '-q', 'bubblewrap']] },
  { program: 'pacman', commands: [['pacman', '-Sy', '--noconfirm', '--quiet', 'bubblewrap']] },
]

function isInstalled(program) {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .concat('/usr/bin', '/usr/sbin', '/sbin')
    .some((folder) => {
      try {
        accessSync(join(folder, program), constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

function bring() {
  if (process.platform !== 'linux' || isInstalled('bwrap')) return
  const manager = managers.find(({ program }) => isInstalled(program))
  const install = manager === undefined ? "the package 'bubblewrap' of your distribution" : `sudo ${manager.commands.at(-1).join(' ')}`
  if (manager === undefined || process.getuid() !== 0) {
    console.log(`bubblewrap is not installed: the tests of namespaces (L4) will be skipped. To have them: ${install}`)
    return
  }
  console.log('installing bubblewrap for the tests of namespaces (L4)')
  for (const [program, ...args] of manager.commands) {
    const { status } = spawnSync(program, args, {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    })
    if (status === 0) continue
    console.log(`'${[program, ...args].join(' ')}' failed: the tests of namespaces (L4) will be skipped`)
    return
  }
}

bring()
