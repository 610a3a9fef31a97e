// Writes docs/reference.md: what each entry of the package exports, with its docstrings, from the declarations in dist. A test compares the page with them. The build writes it.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
// The compiler that is JavaScript: TypeScript 7 has no interface to ask about declarations.
import ts from '../tools/typescript5/node_modules/typescript/lib/typescript.js'

const ROOT = join(import.meta.dirname, '..')
const FILE = join(ROOT, 'docs/reference.md')

const ABOUT: Readonly<Record<string, string>> = {
  '.': 'The client: [values](values.md), [limits](limits.md), [errors](errors.md).',
  './vm': '`node:vm` with `await` in front: [vm-compatibility.md](vm-compatibility.md). The default export holds the same names.',
  './agent': 'For code that agents write: [guides/agent-tools.md](guides/agent-tools.md).',
  './isolated-vm': 'isolated-vm’s classes: [migrate-isolated-vm.md](migrate-isolated-vm.md). The default export holds the same names.',
  './vm2': 'vm2’s `VM`: [migrate-vm2.md](migrate-vm2.md).',
  './daemon':
    'A daemon in a process of yours, and what the command is made of: [configuration.md](configuration.md), [operations.md](operations.md).',
}

/** The whole page. */
export function reference(): string {
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    readonly exports: Readonly<Record<string, { readonly types?: string }>>
  }
  const entries = Object.entries(exports).flatMap(([name, { types }]) => (types === undefined ? [] : [{ name, file: join(ROOT, types) }]))
  const options = { module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ESNext, types: [], skipLibCheck: true }
  const program = ts.createProgram(
    entries.map(({ file }) => file),
    options,
  )
  const checker = program.getTypeChecker()
  const sections = entries.flatMap(({ name, file }) => {
    const source = program.getSourceFile(file)
    const module = source === undefined ? undefined : checker.getSymbolAtLocation(source)
    if (module === undefined) throw new Error(`${file} has no declarations: build first`)
    const symbols = checker.getExportsOfModule(module).filter((symbol) => symbol.name !== 'default')
    const shown = symbols.sort((a, b) => (a.name < b.name ? -1 : 1)).map((symbol) => describe(symbol, checker))
    return [`## \`glovebox${name.slice(1)}\``, ABOUT[name] ?? '', ...shown]
  })
  return `${['# Reference', '<!-- Made by the build (scripts/reference.ts) from the docstrings: change them there. -->', 'What each entry of the package exports.', ...sections].filter((part) => part !== '').join('\n\n')}\n`
}

function describe(exported: ts.Symbol, checker: ts.TypeChecker): string {
  const symbol = (exported.flags & ts.SymbolFlags.Alias) === 0 ? exported : checker.getAliasedSymbol(exported)
  const declaration = symbol.declarations?.[0]
  if (declaration === undefined) throw new Error(`${exported.name} has no declaration`)
  const members = ts.isClassDeclaration(declaration) || ts.isInterfaceDeclaration(declaration) ? declaration.members : []
  const list = [...members].filter(isShown).map((member) => {
    const name = member.name === undefined ? undefined : checker.getSymbolAtLocation(member.name)
    return `- \`${oneLine(member.getText())}\`${indented(textOf(member, name, checker))}`
  })
  return [`### \`${exported.name}\``, `\`${headOf(declaration, exported.name)}\``, textOf(declaration, symbol, checker), list.join('\n')]
    .filter((part) => part !== '')
    .join('\n\n')
}

/** The declaration in one line, without its members. */
function headOf(declaration: ts.Declaration, name: string): string {
  const text = oneLine(declaration.getText())
    .replace(/^export /, '')
    .replace(/^declare /, '')
  if (ts.isClassDeclaration(declaration) || ts.isInterfaceDeclaration(declaration)) return text.slice(0, text.indexOf('{')).trim()
  return ts.isVariableDeclaration(declaration) || ts.isBindingElement(declaration) ? `const ${name}` : text
}

function isShown(member: ts.ClassElement | ts.TypeElement): boolean {
  if (member.name !== undefined && ts.isPrivateIdentifier(member.name)) return false
  if (ts.isClassElement(member) && (ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Private) !== 0) return false
  return !ts.getJSDocTags(member).some(({ tagName }) => tagName.text === 'internal')
}

/** The docstring, and what is thrown. */
function textOf(node: ts.Node, symbol: ts.Symbol | undefined, checker: ts.TypeChecker): string {
  const text = ts.displayPartsToString(symbol?.getDocumentationComment(checker))
  const thrown = ts
    .getJSDocTags(node)
    .flatMap(({ tagName, comment }) => (tagName.text === 'throws' ? [`Throws ${ts.getTextOfJSDocComment(comment) ?? ''}`.trim()] : []))
  return [text, ...thrown.map((each) => (each.endsWith('.') ? each : `${each}.`))]
    .map((part) => oneLine(part.replaceAll(/\{@link ([^}]+?)\}/g, '`$1`')))
    .filter((part) => part !== '')
    .join(' ')
}

const indented = (text: string): string => (text === '' ? '' : `: ${text}`)
const oneLine = (text: string): string =>
  text
    .replaceAll(/\/\*\*.*?\*\//gs, '')
    .replaceAll(/\s+/g, ' ')
    .replace(/;$/, '')
    .trim()

/** Writes the page, if it says something else. */
export function writeReference(): void {
  const text = reference()
  if (readFileSync(FILE, 'utf8') !== text) writeFileSync(FILE, text)
}
