import { expect, test } from 'vitest'
import { withoutSecrets } from '../../config/without-secrets.js'

test('secrets are blanked however they are written, and nothing else', () => {
  const blanked = withoutSecrets(`# the pair
x-login: &login hunter1
peer_key_file: /etc/lvskeeper/peer.key # where it lies is no secret
virtual_routers:
  web: { vrid: 51, interface: eth0, authentication: { type: pass, pass: hunter2 }, vips: [10.9.0.100/32] }
checks:
  db: { mysql: { user: probe, password: *login } }
  site:
    http:
      headers: { Authorization: "Basic hunter3", Accept: text/plain }
      auth: { user: probe, password: 'hunter4' }
  cache: { redis: { password: "\${REDIS}" } }
  talk: { tcp: { steps: [{ send: "AUTH hunter5" }, { send: "PING" }] } }
  long:
    imap:
      password: |
        hunter6
        hunter7
alerts:
  - webhook: { url: "https://me:hunter8@alerts.example/hunter9?key=hunter10" }
`)
  expect(blanked).not.toMatch(/hunter/)
  expect(blanked).toBe(`# the pair
x-login: &login "***"
peer_key_file: /etc/lvskeeper/peer.key # where it lies is no secret
virtual_routers:
  web: { vrid: 51, interface: eth0, authentication: { type: pass, pass: "***" }, vips: [10.9.0.100/32] }
checks:
  db: { mysql: { user: probe, password: *login } }
  site:
    http:
      headers: { Authorization: "***", Accept: text/plain }
      auth: { user: probe, password: "***" }
  cache: { redis: { password: "\${REDIS}" } }
  talk: { tcp: { steps: [{ send: "***" }, { send: "PING" }] } }
  long:
    imap:
      password: "***"
alerts:
  - webhook: { url: "https://alerts.example/***" }
`)
})

test('a text that is no YAML is not handed out at all', () => {
  expect(withoutSecrets('authentication: { pass: hunter2')).toBeUndefined()
})
