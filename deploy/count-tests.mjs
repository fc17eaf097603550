// Adds up vitest's JSON reports. Usage: count-tests.mjs STATUS FILE...
// Exits with STATUS, or 1 when a test failed, a report is missing what it should have, or no test ran at all.
import { readFileSync } from 'node:fs'

const [status, ...files] = process.argv.slice(2)
let passed = 0
let failed = 0
let skipped = 0
for (const file of files) {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8'))
    passed += report.numPassedTests
    failed += report.numFailedTests
    skipped += report.numPendingTests + (report.numTodoTests ?? 0)
    // A file that could not even be loaded counts as one failure: its tests are not in the other numbers.
    const broken = report.testResults.filter(
      result => result.status === 'failed' && result.assertionResults.length === 0,
    )
    failed += broken.length
    for (const result of report.testResults)
      for (const test of result.assertionResults)
        if (test.status === 'failed') console.log(`FAILED ${result.name.split('/test/').pop()}: ${test.fullName}`)
    for (const result of broken) console.log(`FAILED to load ${result.name.split('/test/').pop()}: ${result.message}`)
  } catch (error) {
    failed += 1
    console.log(`no report in ${file}: ${error.message}`)
  }
}
if (status !== '0' && failed === 0) failed = 1
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
process.exit(failed > 0 || passed === 0 ? 1 : 0)
