/** Prints what was measured: smallest, median and largest, in ms. With `--reporter=verbose` it stands beside its test. */
export function figure(what: string, values: readonly number[]) {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]?.toFixed(1)
  console.log(`${what}: ${sorted.length} runs, min ${at(0)}, median ${at(0.5)}, max ${at(1)} ms`)
}
