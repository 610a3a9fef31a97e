// Before the tests: installs what the benchmark compares Glovebox with, unless it is there as the lock file has it. Where that fails, the test of the benchmark is skipped.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const bench = fileURLToPath(new URL('../bench/', import.meta.url))

function packagesIn(file) {
  const { packages } = JSON.parse(readFileSync(`${bench}${file}`, 'utf8'))
  return new Map(Object.entries(packages).map(([path, { version }]) => [path, version]))
}

/** Optional packages, which may be for other machines, are in the lock file only. */
function isInstalled() {
  try {
    const wanted = packagesIn('package-lock.json')
    const direct = Object.keys(JSON.parse(readFileSync(`${bench}package.json`, 'utf8')).dependencies)
    const there = packagesIn('node_modules/.package-lock.json')
    return direct.every((name) => there.get(`node_modules/${name}`) === wanted.get(`node_modules/${name}`))
  } catch {
    return false
  }
}

if (!isInstalled() && spawnSync('npm', ['--prefix', bench, 'ci'], { stdio: ['ignore', 'ignore', 'inherit'] }).status !== 0)
  console.log('the peers of the benchmark could not be installed: its test will be skipped')
