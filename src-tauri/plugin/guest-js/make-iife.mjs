// Makes api-iife.js: the same module for pages without a bundler, as window.__TAURI__.sidecarSupervisor.
// `--check` only says whether it is current.
import { readFileSync, writeFileSync } from 'node:fs'
import ts from 'typescript'

const out = new URL('../api-iife.js', import.meta.url)
const source = readFileSync(new URL('index.ts', import.meta.url), 'utf8')
const { outputText } = ts.transpileModule(source, {
  compilerOptions: {
    target: ts.ScriptTarget.ES2021,
    module: ts.ModuleKind.CommonJS,
    removeComments: true
  }
})
const text = `// Made from guest-js/index.ts by: npm run build
if ('__TAURI__' in window) {
  Object.defineProperty(window.__TAURI__, 'sidecarSupervisor', {
    value: ((exports, require) => {
${outputText}
      return exports
    })({}, () => window.__TAURI__.core)
  })
}
`
if (!process.argv.includes('--check')) {
  writeFileSync(out, text)
} else if (readFileSync(out, 'utf8') !== text) {
  console.error('api-iife.js is stale. Make it again: npm run build')
  process.exit(1)
}
