#!/usr/bin/env node
import { giveWay } from './process/giving-way.js'

/** One program: a child when its parent says so in the environment, else the command line. */
const role = process.env['LVSKEEPER_ROLE']

switch (role) {
  case 'vrrp':
    await import('./process/vrrp.js')
    break
  case 'checkers':
    giveWay(role, process.env['LVSKEEPER_RESPAWN'] === '1')
    await import('./process/checkers.js')
    break
  case 'control':
    giveWay(role)
    await import('./process/control.js')
    break
  default: {
    const { main } = await import('./cli/program.js')
    process.exitCode = await main(process.argv)
  }
}
