/** Fields that are milliseconds in a resolved configuration, and those that the kernel wants in seconds. */
const milliseconds =
  /(?:^|\.)(?:advertInterval|interval|fastInterval|downInterval|timeout|hold|max|forget|ttl|delay|refresh|lowerPriorityDelay|window|debounce|restartInterval|slowStart|overrideLimit|group|repeat|per|keep)$/
const seconds = /(?:^|\.)(?:persistence|timeouts)\.\w+$/
const counted = /(?:^|\.)(?:garp\.repeat|granularity|sync\.ttl)$/

/** A field in the spelling of the file, as far as the file has it: `settings.onePacket` -> `one_packet`. */
export function fieldWords(path: string): string {
  return path
    .split(/(\[[^\]]*\])/)
    .map((part, index) =>
      index % 2 === 1 ? part : part.replace(/[a-z][A-Z]/g, pair => `${pair[0]}_${pair[1]?.toLowerCase()}`),
    )
    .join('')
    .replace(/^settings\./, '')
}

/** A number with its unit where it is a duration; undefined where it is none. */
export function durationWords(path: string, value: unknown): string | undefined {
  if (typeof value !== 'number' || counted.test(path)) return undefined
  if (seconds.test(path)) return unit(value * 1_000)
  return milliseconds.test(path) ? unit(value) : undefined
}

const units = [
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const

/** The largest unit of the file that divides it. */
function unit(ms: number): string {
  const [name, size] = units.find(([, each]) => ms !== 0 && ms % each === 0) ?? ['ms', 1]
  return ms === 0 ? '0s' : `${ms / size}${name}`
}
