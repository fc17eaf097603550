import { existsSync } from 'node:fs'
import { build } from 'esbuild'
import { compiled } from '../linux/namespaces.js'

/** The program as it is shipped, in a few files, built into a folder of this test file's own. */
export async function program(): Promise<string> {
  const folder = compiled()
  const file = `${folder}/bin/lvskeeper.js`
  if (existsSync(file)) return file
  await build({
    entryPoints: { lvskeeper: `${folder}/src/main.js` },
    outdir: `${folder}/bin`,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'error',
    external: ['koffi', 'netlink', 'raw-socket'],
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
  })
  return file
}
