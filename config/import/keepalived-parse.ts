import { suggest } from '../suggest.js'
import type { Place, Report } from './finding.js'
import { canonical, type Keywords, rootKeywords } from './keepalived-keywords.js'
import type { Piece } from './keepalived-lines.js'
import { splitWords } from './keepalived-words.js'

/** One statement that keepalived recognised, with its block. */
export type Node = Place & {
  /** One name for words that have several. */
  readonly keyword: string
  /** As written. */
  readonly word: string
  readonly args: readonly string[]
  /** Everything behind the keyword, quotes included. */
  readonly rest: string
  readonly before: readonly string[]
  readonly after?: string
  readonly children: readonly Node[]
  /** Comment lines below the last statement of its block. */
  readonly last?: readonly string[]
}

/** Words that keepalived cannot do without a value: it ends (vector_slot, "missing a parameter"). */
const needsValue = new Set(
  (
    'state interface virtual_router_id priority advert_int auth_type auth_pass router_id script interval weight fall rise timeout ' +
    'smtp_server notification_email_from smtp_connect_timeout lb_algo lvs_sched lb_kind lvs_method protocol delay_loop ' +
    'connect_timeout connect_port connect_ip path digest status_code misc_path quorum hysteresis sorry_server ' +
    'unicast_src_ip mcast_src_ip preempt_delay garp_master_delay garp_master_repeat garp_master_refresh file process ' +
    'virtualhost retry nb_get_retry delay_before_retry helo_name vrrp_version version'
  ).split(' '),
)

/** Behind these words stand programs and free text, which may hold any word. */
const scriptLike = /^(script|notify.*|quorum_(up|down)|misc_path|.*_script|regex|lvs_sync_daemon|user)$/

type Block = Pick<Node, 'children' | 'last' | 'after'>

/** keepalived's structure rules (lib/parser.c process_stream): what it made of the file, and a finding where that surprises. */
export function parsePieces(pieces: readonly Piece[], report: Report): readonly Node[] {
  let at = 0
  return block(rootKeywords, undefined).children

  /** Reads statements until the `}` of this block, or the end. */
  function block(keywords: Keywords, parent: Piece | undefined): Block {
    const found: Node[] = []
    const brace = parent ? opened(parent) : {}
    if (!brace) return { children: found }
    let stray: Piece | undefined
    for (;;) {
      const piece = pieces[at]
      if (piece === undefined) break
      at++
      if (piece.text === '}') {
        if (parent === undefined) {
          extraBrace(piece)
          continue
        }
        if (stray) closedByStray(stray, parent, piece)
        return { ...brace, children: found, last: piece.before }
      }
      if (piece.text === '{') {
        stray = unexpected(piece, stray)
        continue
      }
      const node = statement(piece, keywords, parent)
      if (node) found.push(node)
      else if (pieces[at]?.text === '{') stray ??= piece
    }
    if (parent)
      report(
        parent,
        'trap',
        'missing-brace',
        'The block is not closed before the end of the file.',
        'keepalived reads it as if it were.',
      )
    return { ...brace, children: found }
  }

  function statement(piece: Piece, keywords: Keywords, parent: Piece | undefined): Node | undefined {
    const { text, file, line, statement, before, after } = piece
    const word = splitWords(text)[0] ?? ''
    const shape = Object.hasOwn(keywords, word) ? keywords[word] : undefined
    if (shape === undefined) {
      unknown(piece, word, keywords, parent)
      return undefined
    }
    const rest = text.slice(text.indexOf(word) + word.length).trim()
    const comment = after === undefined ? {} : { after }
    const head = {
      file,
      line,
      statement,
      keyword: canonical(word),
      word,
      args: splitWords(text).slice(1),
      rest,
      before,
    }
    if (shape === 'leaf') {
      if (head.args.length === 0 && needsValue.has(word)) missingValue(piece)
      const second = scriptLike.test(word) ? undefined : head.args.find(arg => Object.hasOwn(keywords, arg))
      if (second !== undefined) severalOnOneLine(piece, second)
      return { ...head, ...comment, children: [] }
    }
    return { ...(shape === 'list' ? items(piece) : block(shape, piece)), ...head, ...comment }
  }

  /** A block of values: each line is an item, whatever its words. */
  function items(parent: Piece): Block {
    const found: Node[] = []
    const brace = opened(parent)
    if (!brace) return { children: found }
    for (;;) {
      const piece = pieces[at]
      if (piece === undefined) break
      at++
      if (piece.text === '}') return { ...brace, children: found, last: piece.before }
      if (piece.text === '{') {
        unexpected(piece, undefined)
        continue
      }
      const { text, file, line, statement, before, after } = piece
      const args = splitWords(text)
      const comment = after === undefined ? {} : { after }
      found.push({
        file,
        line,
        statement,
        keyword: '',
        word: args[0] ?? '',
        args,
        rest: text,
        before,
        ...comment,
        children: [],
      })
    }
    report(
      parent,
      'trap',
      'missing-brace',
      'The block is not closed before the end of the file.',
      'keepalived reads it as if it were.',
    )
    return { ...brace, children: found }
  }

  /** Takes the `{` of a block; undefined at the end of the file. */
  function opened(parent: Piece): { after?: string } | undefined {
    const next = pieces[at]
    if (next?.text === '{') {
      at++
      return next.after === undefined ? {} : { after: next.after }
    }
    const meaning = 'The { of this block is missing; keepalived reads on as if it were there.'
    report(parent, 'trap', 'missing-open-brace', meaning, 'The YAML has the block as keepalived read it.')
    return next ? {} : undefined
  }

  function missingValue(piece: Piece): void {
    const cut = piece.after === undefined ? '' : ' An unquoted # or ! starts a comment, even inside a word.'
    report(
      piece,
      'trap',
      'missing-value',
      `A value is missing: keepalived ends here and does not run.${cut}`,
      'The YAML is made as if the line were not there. Correct it and import again.',
    )
  }

  function severalOnOneLine(piece: Piece, second: string): void {
    report(
      piece,
      'trap',
      'several-on-one-line',
      `A line is one statement: keepalived reads "${splitWords(piece.text)[0]}" and overlooks "${second}" behind it.`,
      `The YAML has no ${second} from here. Write it on a line of its own and import again, if it was meant.`,
    )
  }

  function unexpected(piece: Piece, stray: Piece | undefined): Piece {
    if (!stray)
      report(
        piece,
        'trap',
        'unexpected-brace',
        'keepalived expects no { here and ignores it.',
        'Nothing is lost by it.',
      )
    return stray ?? piece
  }

  function extraBrace(piece: Piece): void {
    report(
      piece,
      'trap',
      'extra-brace',
      'A } that closes nothing; keepalived skips it.',
      'Look for a block above that ended too early.',
    )
  }

  function closedByStray(stray: Piece, parent: Piece, piece: Piece): void {
    report(
      piece,
      'trap',
      'block-closed-early',
      `This } closes "${parent.text}" (line ${parent.line}): keepalived does not know the block "${stray.text}" of line ${stray.line}. What follows does not belong to "${parent.text}" any more.`,
      'The YAML has what keepalived made of it. Correct the word and import again, if more was meant.',
    )
  }

  function unknown(piece: Piece, word: string, keywords: Keywords, parent: Piece | undefined): void {
    const where = parent ? `in a block of "${splitWords(parent.text)[0] ?? ''}"` : 'at the top of the file'
    const meant = suggest(word, Object.keys(keywords))
    const home = meant === undefined ? homeOf(word) : undefined
    const hint =
      meant !== undefined
        ? `Did you mean ${meant}? Correct it and import again.`
        : home !== undefined
          ? `The word belongs into ${home}: an unknown or closed block above may have ended it.`
          : 'Remove it, or look up what was meant.'
    const meaning = `keepalived does not know this word ${where}: it logs it and skips the line.`
    report(piece, 'trap', 'unknown-word', meaning, `Not in the YAML. ${hint}`)
  }
}

/** The block that knows a word which stands at the wrong place. */
function homeOf(word: string, keywords: Keywords = rootKeywords, path = ''): string | undefined {
  for (const [name, shape] of Object.entries(keywords)) {
    if (typeof shape !== 'object') continue
    if (Object.hasOwn(shape, word)) return path + name
    const below = homeOf(word, shape, `${path}${name}/`)
    if (below !== undefined) return below
  }
  return undefined
}
