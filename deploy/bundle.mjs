// Joins the compiled program into a few files: a process that reads three files starts faster than one that reads five
// hundred. Packages with native parts stay where they are.
import { chmodSync, rmSync } from 'node:fs'
import { build } from 'esbuild'

rmSync('dist/bin', { recursive: true, force: true })
await build({
  entryPoints: { lvskeeper: 'dist/src/main.js' },
  outdir: 'dist/bin',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  sourcemap: 'linked',
  sourcesContent: false,
  logLevel: 'warning',
  external: ['koffi', 'netlink', 'raw-socket'],
  chunkNames: 'chunk-[hash]',
  // Packages in CommonJS ask for Node's modules with require.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
})
chmodSync('dist/bin/lvskeeper.js', 0o755)
