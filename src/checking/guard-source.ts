/** The source of the contribution with which routers give way while the mass failure guard holds (`weight` in the file). */
export const guardSource = 'mass_failure_guard'
