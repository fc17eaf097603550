import type { Config } from '../../config/config.js'
import { collectFacts } from './collect.js'
import { directorFindings } from './directors.js'
import type { Facts } from './facts.js'
import { type Finding, type Report, toReport } from './finding.js'
import { forwardingFindings } from './forwarding.js'
import { hostFindings } from './host.js'
import { ipvsFindings } from './ipvs.js'
import { ownSettingFindings } from './own-settings.js'

export type DoctorOptions = {
  /** The file of this director; without one only the machine itself is looked at. */
  readonly config?: Config
  /** Where the director keeps its journals of changed settings; without it nothing is said of them. */
  readonly run?: string
}

// Each way out costs a process: enough to see a wrong network, few enough for thousands of real servers.
const mostWays = 64

/** Looks at this machine as a director. Changes nothing. */
export function runDoctor({ config, run }: DoctorOptions = {}): Report {
  const servers = config?.services.flatMap(service => service.realServers.map(({ address }) => address)) ?? []
  const waysTo = [...new Set(servers)].slice(0, mostWays)
  return toReport(doctorFindings(collectFacts({ waysTo, peerKeyFile: config?.peerKeyFile, run }), config))
}

/** Pure: the same for facts that were taken elsewhere. */
export function doctorFindings(facts: Facts, config: Config | undefined): Finding[] {
  return [
    ...ipvsFindings(facts, config),
    ...directorFindings(facts, config),
    ...forwardingFindings(facts, config),
    ...hostFindings(facts, config),
    ...ownSettingFindings(facts.ownSettings ?? []),
  ]
}
