const empty = Buffer.alloc(0)

/**
 * Bytes that come in pieces. The first piece is kept as it is; with the second one they move to a buffer of our own, which
 * doubles: a server that sends byte by byte costs no more memory than it sends, and no copy of everything for each byte.
 */
export function createGathered() {
  let store: Buffer = empty
  let length = 0
  /** false: `store` is the one piece, which is the caller's. */
  let own = false

  function room(wanted: number) {
    if (own && wanted <= store.length) return
    const larger = Buffer.allocUnsafe(Math.max(wanted, own ? store.length * 2 : 0))
    store.copy(larger, 0, 0, length)
    store = larger
    own = true
  }

  return {
    add(piece: Buffer) {
      if (piece.length === 0) return
      if (length === 0 && !own) store = piece
      else {
        room(length + piece.length)
        piece.copy(store, length)
      }
      length += piece.length
    },
    /** Makes what is the caller's our own: it is only valid until the next turn of the loop. */
    keep() {
      if (!own && length > 0) room(length)
    },
    /** Valid until something is added. */
    bytes: (): Buffer => store.subarray(0, length),
    length: () => length,
    clear() {
      store = empty
      length = 0
      own = false
    },
  }
}
