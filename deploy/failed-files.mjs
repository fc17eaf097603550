// Prints the test files of vitest's JSON reports in which something failed, relative to the checkout, one a line.
// Nothing where there is no report: then it is not the tests that failed.
import { existsSync, readFileSync } from 'node:fs'
import { relative, resolve } from 'node:path'

for (const file of process.argv.slice(2).filter(existsSync)) {
  const { testResults } = JSON.parse(readFileSync(file, 'utf8'))
  for (const { name, status } of testResults)
    if (status === 'failed') console.log(relative(resolve(import.meta.dirname, '..'), name))
}
