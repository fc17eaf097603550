import type { CheckSpec, HttpSpec, ProbeSpec } from '../../checkers/spec.js'

/** A check as the configuration would resolve it, with other values where the test says so. */
export function checkSpec(over: Partial<CheckSpec> = {}): CheckSpec {
  const probe: ProbeSpec = over.probe ?? { kind: 'tcp', steps: [] }
  return {
    name: 'check',
    key: JSON.stringify([probe, over]),
    probe,
    interval: 2000,
    fastInterval: 200,
    downInterval: 2000,
    timeout: 1000,
    rise: 2,
    fall: 3,
    jitter: 0,
    severity: 'fail',
    watch: { enabled: true, final: true },
    ...over,
  }
}

export function httpSpec(over: Partial<HttpSpec> = {}): HttpSpec {
  return {
    kind: 'http',
    version: '1.1',
    method: 'GET',
    path: '/',
    headers: {},
    status: [[200, 299]],
    maxBytes: 65_536,
    ...over,
  }
}
