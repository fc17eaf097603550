import type { ServiceConfig } from '../../config/config.js'
import type { CheckerSettings } from '../control/wanted.js'
import type { Address, Leave, Message, Override } from '../messages.js'

/** What the messages of the other processes are for. */
export interface ReceptionPorts {
  /** Control has started again: it knows nothing. */
  introduce(): void
  settings(settings: CheckerSettings, hash: string): void
  upsert(name: string, hash: string, service: ServiceConfig): void
  remove(name: string): void
  synced(): void
  peerPaths(broken: readonly number[], heard: boolean): void
  overrides(overrides: readonly Override[], known: boolean): void
  /** A vrrp process has started: it must hear all contributions and whether we are ready. */
  vrrpStarted(): void
  leave(how: Leave): void
}

/** Sorts what the other processes say. */
export function createReception(ports: ReceptionPorts) {
  return (from: Address, message: Message): void => {
    switch (message.type) {
      case 'introduce':
        return ports.introduce()
      case 'settings':
        return ports.settings(message.settings.value as CheckerSettings, message.settings.hash)
      case 'services':
        for (const { key, hash, value } of message.upsert) ports.upsert(key, hash, value as ServiceConfig)
        for (const name of message.remove) ports.remove(name)
        return
      case 'synced':
        return ports.synced()
      case 'peer-paths':
        return ports.peerPaths(message.broken, message.heard)
      case 'overrides':
        return ports.overrides(message.overrides, message.known)
      case 'hello':
        return from === 'vrrp' ? ports.vrrpStarted() : undefined
      case 'leave':
        return ports.leave(message.how)
      default:
    }
  }
}
