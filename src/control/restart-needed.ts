import type { Config } from '../../config/config.js'

/** What differs and is taken at the start only, in words; everything else holds as soon as a reload is applied. */
export function restartNeeded(now: Config, next: Config): readonly string[] {
  return [
    ...(now.logLevel === next.logLevel
      ? []
      : [`log.level ${next.logLevel} takes effect at the next \`lvskeeper restart\``]),
    ...(now.stateFolder === next.stateFolder
      ? []
      : ['state_folder takes effect at the next `lvskeeper restart`; what is kept must be moved there before']),
  ]
}
