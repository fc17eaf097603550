import type { Note } from './note.js'
import { agree, type Command, type Member } from './sync-group.js'

/** What the group needs of a router's handle. */
type Handle = { membership(): Member; obey(command: Command): void }

export type GroupLoop = {
  add(handle: Handle): void
  remove(handle: Handle): void
  /** Call with every note of every member. */
  note(note: Note): void
}

/** Keeps the routers of one sync group of one mind: whenever one changes, all are looked at, and told. */
export function groupLoop(name: string): GroupLoop {
  const handles = new Set<Handle>()
  let looking = false
  let pending: { left?: { name: string; to: Member['state'] } }[] = []

  return {
    add(handle) {
      handles.add(handle)
      look({})
    },
    remove(handle) {
      handles.delete(handle)
      // What the group demanded ends with it.
      const { name: to } = handle.membership()
      handle.obey({ to, order: 'faults', faults: [] })
      handle.obey({ to, order: 'most', priority: 255 })
      look({})
    },
    note(note) {
      if (note.type === 'state') look({ left: { name: note.router, to: note.to } })
      else if (note.type === 'changed' || (note.type === 'notice' && note.code === 'wants-master')) look({})
    },
  }

  /** One look at a time: what the members do about it makes notes again. */
  function look(why: (typeof pending)[number]) {
    pending.push(why)
    if (looking) return
    looking = true
    for (let next = pending.shift(); next; next = pending.shift()) {
      const members = [...handles].map(handle => ({ handle, member: handle.membership() }))
      const commands = agree(
        name,
        members.map(({ member }) => member),
        next.left,
      )
      for (const command of commands)
        for (const { handle, member } of members) if (member.name === command.to) handle.obey(command)
    }
    pending = []
    looking = false
  }
}
