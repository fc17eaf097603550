import { type GroupLoop, groupLoop } from '../../vrrp/group-loop.js'
import type { Note } from '../../vrrp/note.js'
import type { RouterHandle } from '../../vrrp/router.js'

/** The sync groups among the running routers: who is in which follows the configuration. */
export function createGroups() {
  const loops = new Map<string, GroupLoop>()
  const members = new Map<string, { readonly group: string; readonly handle: RouterHandle }>()

  function leave(router: string): void {
    const member = members.get(router)
    if (!member) return
    members.delete(router)
    loops.get(member.group)?.remove(member.handle)
    // What the group demanded ends with it.
    member.handle.obey({ to: router, order: 'faults', faults: [] })
    member.handle.obey({ to: router, order: 'most', priority: 255 })
    if ([...members.values()].every(({ group }) => group !== member.group)) loops.delete(member.group)
  }

  return {
    /** From now on this router belongs to `group`; undefined: to none. */
    place(router: string, handle: RouterHandle, group: string | undefined): void {
      const before = members.get(router)
      if (before?.group === group && before?.handle === handle) return
      leave(router)
      if (group === undefined) return
      const loop = loops.get(group) ?? groupLoop(group)
      loops.set(group, loop)
      members.set(router, { group, handle })
      loop.add(handle)
    },
    leave,
    note(note: Note): void {
      const group = members.get(note.router)?.group
      if (group !== undefined) loops.get(group)?.note(note)
    },
  }
}
