// Adds up vitest's JSON reports. Usage: count-tests.mjs STATUS FOLDER
// FOLDER/again holds the reports of files that were run a second time: they count instead.
// Exits with STATUS, or 1 when a test failed, a report is missing what it should have, or no test ran at all.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const [status, folder] = process.argv.slice(2)
const short = name => name.split('/test/').pop()
const count = { passed: 0, failed: 0, skipped: 0 }
const mended = []

const reports = path => (existsSync(path) ? readdirSync(path).filter(file => file.endsWith('.json')) : [])
const again = join(folder, 'again')
const second = new Map(reports(again).flatMap(name => results(join(again, name)).map(result => [result.name, result])))
for (const name of reports(folder)) {
  for (const first of results(join(folder, name))) {
    const result = second.get(first.name) ?? first
    if (result !== first && result.status !== 'failed') mended.push(short(first.name))
    add(result)
  }
}
if (mended.length > 0) console.log(`passed only when run alone: ${mended.join(', ')}`)
if (status !== '0' && count.failed === 0) count.failed = 1
console.log(`${count.passed} passed, ${count.failed} failed${count.skipped > 0 ? `, ${count.skipped} skipped` : ''}`)
process.exit(count.failed > 0 || count.passed === 0 ? 1 : 0)

function results(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).testResults
  } catch (error) {
    count.failed += 1
    console.log(`no report in ${file}: ${error.message}`)
    return []
  }
}

function add({ name, status, message, assertionResults }) {
  for (const test of assertionResults) {
    if (test.status === 'passed') count.passed++
    else if (test.status === 'failed') {
      count.failed++
      console.log(`FAILED ${short(name)}: ${test.fullName}`)
    } else count.skipped++
  }
  // A file that could not even be loaded has no tests to count: it is one failure.
  if (status === 'failed' && !assertionResults.some(test => test.status === 'failed')) {
    count.failed++
    console.log(`FAILED ${short(name)}: ${message}`)
  }
}
