import { endianness } from 'node:os'
import { putQuad } from '../ipvs/address.js'
import type { Op } from '../ipvs/plan.js'
import type { ServerSettings, Service, ServiceSettings } from '../ipvs/table.js'
import { type Datagram, type GenlFill, type GenlRequest, putMessage } from './genl.js'
import { attributeWriter } from './ipvs-attributes.js'
import { IPVS_CMD } from './ipvs-header.js'
import { AT, putServer, putServerId, putService, putServiceId } from './ipvs-messages.js'

/**
 * Writes the messages of many operations. Most real servers of a table differ from the one before in their addresses and ports
 * only, and so do most services: each is a copy of the last of its kind with these bytes written over. A large table is written
 * once, at the start, while all code is cold: one loop that calls little is several times faster there than the plain way.
 */
export function fillOps(ops: readonly Op[]): GenlFill {
  const out = attributeWriter()
  /** The newest message that began a table's entry of its kind, over IPv4. */
  let server: Model<ServerSettings> | undefined
  let service: Model<ServiceSettings> | undefined

  return (datagram, from) => {
    const { bytes, seq: first, limit, most } = datagram
    let { length, count, latest } = datagram
    for (let i = from; i < ops.length && length <= limit && count < most; i++) {
      const op = ops[i]
      if (!op) break
      const isServer = op.op === 'add-server'
      const model = isServer ? server : op.op === 'add-service' ? service : undefined
      if (model && fits(model, op)) {
        const seq = first + count
        bytes.set(model.written, length)
        bytes[length + SEQ[0]] = seq
        bytes[length + SEQ[1]] = seq >>> 8
        bytes[length + SEQ[2]] = seq >>> 16
        bytes[length + SEQ[3]] = seq >>> 24
        if (!isServer) {
          latest = length
          length += model.written.length
          count++
          continue
        }
        if (putQuad(op.server.address, bytes, length + HEAD + AT.address)) {
          const { port } = op.server
          bytes[length + HEAD + AT.port] = port >>> 8
          bytes[length + HEAD + AT.port + 1] = port
          latest = length
          length += model.written.length
          count++
          continue
        }
      }
      Object.assign(datagram, { length, count, latest })
      putMessage(datagram, out, requestOf(op))
      ;({ length, count, latest } = datagram)
      if (op.op === 'add-server') server = modelOf(datagram, op.service, op.server.settings, op.server.address)
      else if (op.op === 'add-service') service = modelOf(datagram, op.service, op.service.settings, '')
    }
    Object.assign(datagram, { length, count, latest })
  }
}

type Model<Settings> = {
  service: Service
  readonly protocol: string
  readonly settings: Settings
  readonly written: Uint8Array
}

/** Length of struct nlmsghdr and struct genlmsghdr; the bytes of nlmsg_seq in the former, lowest first. */
const HEAD = 20
const SEQ = endianness() === 'LE' ? ([8, 9, 10, 11] as const) : ([11, 10, 9, 8] as const)

/** undefined: no model for anything. */
function modelOf<Settings>(
  datagram: Datagram,
  service: Service,
  settings: Settings,
  address: string,
): Model<Settings> | undefined {
  const { id } = service
  if ('mark' in id || id.address.includes(':') || address.includes(':')) return undefined
  const written = new Uint8Array(datagram.bytes.subarray(datagram.latest, datagram.length))
  return { service, protocol: id.protocol, settings, written }
}

/** Whether the message may be a copy of the model, which is turned to the service of the operation. */
function fits(model: Model<ServerSettings> | Model<ServiceSettings>, op: Op): boolean {
  const { service } = op
  const { id } = service
  if ('mark' in id || id.protocol !== model.protocol) return false
  if (
    op.op === 'add-server'
      ? !sameServer(model.settings as ServerSettings, op.server.settings)
      : !sameService(model.settings as ServiceSettings, service.settings)
  )
    return false
  if (model.service === service) return true
  if (id.address.includes(':')) return false
  putQuad(id.address, model.written, HEAD + AT.serviceAddress)
  model.written[HEAD + AT.servicePort] = id.port >>> 8
  model.written[HEAD + AT.servicePort + 1] = id.port
  model.service = service
  return true
}

function sameServer(a: ServerSettings, b: ServerSettings): boolean {
  if (a === b) return true
  return (
    a.weight === b.weight &&
    a.forward === b.forward &&
    a.upper === b.upper &&
    a.lower === b.lower &&
    a.tunnel === b.tunnel
  )
}

function sameService(a: ServiceSettings, b: ServiceSettings): boolean {
  if (a === b) return true
  return (
    a.scheduler === b.scheduler &&
    a.onePacket === b.onePacket &&
    a.persistence === b.persistence &&
    a.flags.length === 0 &&
    b.flags.length === 0
  )
}

function requestOf(op: Op): GenlRequest {
  const { id } = op.service
  switch (op.op) {
    case 'add-service':
      return { command: IPVS_CMD.NEW_SERVICE, put: out => putService(out, op.service) }
    case 'edit-service':
      return { command: IPVS_CMD.SET_SERVICE, put: out => putService(out, op.service) }
    case 'remove-service':
      return { command: IPVS_CMD.DEL_SERVICE, put: out => putServiceId(out, id) }
    case 'add-server':
      return { command: IPVS_CMD.NEW_DEST, put: out => putServer(out, id, op.server) }
    case 'edit-server':
      return { command: IPVS_CMD.SET_DEST, put: out => putServer(out, id, op.server) }
    case 'order-servers':
      throw new Error('moves are sent as what they consist of: see ipvs-moves.ts')
    case 'remove-server':
      return { command: IPVS_CMD.DEL_DEST, put: out => putServerId(out, id, op.server) }
  }
}
