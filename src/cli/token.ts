import type { Command } from 'commander'
import { makeToken } from '../daemon/tenants/token.ts'

const EXAMPLES = `
Examples:
  glovebox token            a new token, and what stands for it in a policy
  glovebox token --json     the same for programs

Give the token to the client (connect({ token })), and the hash to the policy. The daemon never needs the token itself.`

export function addToken(program: Command): void {
  program
    .command('token')
    .description("make a token for a tenant of a daemon's policy")
    .option('--json', 'write JSON')
    .addHelpText('after', EXAMPLES)
    .action(token)
}

function token({ json }: { readonly json?: boolean }): void {
  const made = makeToken()
  process.stdout.write(json === true ? `${JSON.stringify(made)}\n` : `token  ${made.token}\nhash   ${made.hash}\n`)
}
