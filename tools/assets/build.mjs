// Builds ../../static from the npm packages in package-lock.json. The result is
// committed: a Go build needs no Node. `make assets` runs this; CI runs it
// again and compares.
import { mkdirSync, writeFileSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import path from 'node:path'
import * as sass from 'sass'
import rtlcss from 'rtlcss'
import { buildSync } from 'esbuild'

const here = path.dirname(fileURLToPath(import.meta.url))
const out = process.argv[2] ?? path.join(here, '../../static')
mkdirSync(out, { recursive: true })

for (const name of ['portal', 'admin']) {
  const { css } = sass.compile(path.join(here, name + '.scss'), {
    style: 'compressed', loadPaths: [path.join(here, 'node_modules'), here], quietDeps: true,
    silenceDeprecations: ['import'], logger: sass.Logger.silent
  })
  // No file of GOV.UK's own assets is shipped, so nothing may point at one.
  if (/url\((?!["']?data:)/.test(css)) throw new Error(name + '.css refers to a file')
  writeFileSync(path.join(out, name + '.css'), css + '\n')
  writeFileSync(path.join(out, name + '.rtl.css'), rtlcss.process(css) + '\n')
}
for (const name of ['app', 'passkey']) {
  buildSync({
    entryPoints: [path.join(here, name + '.mjs')], outfile: path.join(out, name + '.js'),
    bundle: true, minify: true, format: 'esm', target: 'es2017', legalComments: 'none'
  })
}
const { version } = JSON.parse(readFileSync(path.join(here, 'node_modules/govuk-frontend/package.json')))
console.log('built static/ with govuk-frontend', version)
