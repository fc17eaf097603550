import { createHash } from 'node:crypto'
import { regexOf, SEARCHED } from './bytes.js'
import { excerpt, failed } from './errors.js'
import type { Response } from './http-response.js'
import type { Outcome } from './ports.js'
import type { HeaderMatch, HttpSpec, StatusRanges } from './spec.js'

type Conditions = Pick<
  HttpSpec,
  | 'status'
  | 'drainStatus'
  | 'headerMatch'
  | 'bodyContains'
  | 'bodyNotContains'
  | 'bodyRegex'
  | 'bodyRegexFlags'
  | 'json'
  | 'digest'
>

/** A text is found in so many bytes at once; in more, and whatever else is asked of a body, in a turn of its own. */
const SMALL = 16_384

export type HttpJudge = {
  outcome(response: Response): Outcome
  /** It may take long: to be examined in its turn (examine.ts). */
  costly(response: Response): boolean
}

/** Prepares the conditions of an HTTP check. Cheap conditions come first. */
export function httpJudge(spec: Conditions): HttpJudge {
  const headers = (spec.headerMatch ?? []).map(header)
  const regex = spec.bodyRegex === undefined ? undefined : regexOf(spec.bodyRegex, spec.bodyRegexFlags)
  const patterns = spec.bodyRegex ?? spec.json ?? spec.digest ?? spec.headerMatch?.find(({ how }) => how === 'regex')
  const needsBody = [spec.bodyContains, spec.bodyNotContains, spec.bodyRegex, spec.json, spec.digest].some(
    condition => condition !== undefined,
  )

  return {
    outcome: judge,
    costly: ({ status, body }) =>
      within(spec.status, status) && (patterns !== undefined || (needsBody && body.length > SMALL)),
  }

  function judge({ status, headers: got, body, whole }: Response): Outcome {
    const wrong = (reason: 'bad-header' | 'bad-body' | 'too-large', detail: string) =>
      failed(reason, 'L7RSP', detail, excerpt(body))

    if (spec.drainStatus && within(spec.drainStatus, status)) return draining(status)
    if (!within(spec.status, status)) return failed('bad-status', 'L7STS', `status ${status}`, excerpt(body))
    for (const condition of headers) {
      const complaint = condition(got)
      if (complaint) return wrong('bad-header', complaint)
    }
    if (!needsBody) return passedWith(status)
    const text = body.toString('utf8')
    if (spec.bodyContains !== undefined && text.includes(spec.bodyContains) && onlyContains(spec))
      return passedWith(status)
    if (!whole) return wrong('too-large', `body larger than ${body.length} bytes`)
    if (spec.bodyContains !== undefined && !text.includes(spec.bodyContains)) return wrong('bad-body', 'text not found')
    if (spec.bodyNotContains !== undefined && text.includes(spec.bodyNotContains))
      return wrong('bad-body', 'unwanted text found')
    if (regex && !regex(text))
      return wrong('bad-body', text.length > SEARCHED ? 'pattern not found in the first 256 KiB' : 'pattern not found')
    if (spec.digest) {
      const hex = createHash(spec.digest.algorithm).update(body).digest('hex')
      if (hex !== spec.digest.hex.toLowerCase()) return wrong('bad-body', `${spec.digest.algorithm} ${hex}`)
    }
    if (spec.json) {
      const value = pointed(text, spec.json.pointer)
      if ('error' in value) return wrong('bad-body', value.error)
      if (!sameJson(spec.json.equals, value.value))
        return wrong('bad-body', `${spec.json.pointer} is ${shown(value.value)}`)
    }
    return passedWith(status)
  }
}

export function within(ranges: StatusRanges, status: number): boolean {
  return ranges.some(([low, high]) => status >= low && status <= high)
}

const ok: Outcome = { passed: true, layer: 'L7OK', detail: 'status 200' }

function passedWith(status: number): Outcome {
  return status === 200 ? ok : { passed: true, layer: 'L7OK', detail: `status ${status}` }
}

/** HAProxy's disable-on-404: conditionally fine, no new clients. */
function draining(status: number): Outcome {
  return { passed: true, layer: 'L7OKC', detail: `status ${status}`, wish: { state: 'drain' } }
}

/** A text that was found needs no rest of the body, unless there are other conditions on it. */
function onlyContains(spec: Conditions): boolean {
  return [spec.bodyNotContains, spec.bodyRegex, spec.json, spec.digest].every(condition => condition === undefined)
}

function header({ name, how, value = '' }: HeaderMatch): (headers: ReadonlyMap<string, string>) => string | undefined {
  const key = name.toLowerCase()
  const regex = how === 'regex' ? regexOf(value) : undefined
  const holds = (got: string): boolean => {
    switch (how) {
      case 'present':
        return true
      case 'absent':
        return false
      case 'exact':
        return got === value
      case 'prefix':
        return got.startsWith(value)
      case 'suffix':
        return got.endsWith(value)
      case 'contains':
        return got.includes(value)
      case 'regex':
        return regex?.(got) ?? false
    }
  }
  return headers => {
    const got = headers.get(key)
    if (got === undefined) return how === 'absent' ? undefined : `no header ${key}`
    return holds(got) ? undefined : `header ${key}: ${excerpt(got)}`
  }
}

/** RFC 6901. */
function pointed(text: string, pointer: string): { value: unknown } | { error: string } {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { error: 'body is not JSON' }
  }
  for (const raw of pointer.split('/').slice(1)) {
    const name = raw.replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return { error: `no ${pointer}` }
    value = Reflect.get(value, name)
  }
  return { value }
}

/** Goes no deeper than what is wanted: a server may nest its answer as deep as it likes. */
export function sameJson(wanted: unknown, found: unknown): boolean {
  if (typeof wanted !== 'object' || wanted === null) return wanted === found
  if (typeof found !== 'object' || found === null || Array.isArray(wanted) !== Array.isArray(found)) return false
  const names = Object.keys(wanted)
  return (
    names.length === Object.keys(found).length &&
    names.every(name => Object.hasOwn(found, name) && sameJson(Reflect.get(wanted, name), Reflect.get(found, name)))
  )
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'object' && value !== null) return 'an object'
  return excerpt(JSON.stringify(value))
}
