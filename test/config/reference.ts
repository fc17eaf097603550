import { jsonSchema } from '../../config/json-schema.js'

type Schema = {
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema | boolean
  readonly required?: readonly string[]
  readonly examples?: readonly unknown[]
  readonly minimum?: number
  readonly maximum?: number
  readonly pattern?: string
  readonly $ref?: string
  readonly definitions?: Readonly<Record<string, Schema>>
}

const titles: Readonly<Record<string, string>> = {
  director: 'A director',
  virtual_router: 'A virtual router',
  check: 'A check',
  virtual_server: 'A virtual server',
  real_server: 'A real server',
  alert: 'An alert',
}

/** Every key of the file in tables, made from the schema itself. */
export function keyTables(): string {
  const root = jsonSchema() as Schema
  const parts = [section('The file', root)]
  for (const [name, title] of Object.entries(titles)) {
    const definition = root.definitions?.[name]
    if (definition !== undefined) parts.push(section(title, definition))
  }
  return parts.join('\n')
}

function section(title: string, schema: Schema): string {
  const head = `### ${title}\n\n${schema.description ?? ''}\n\n| key | value | meaning |\n|---|---|---|`
  return `${head}\n${rows('', schema).join('\n')}\n`
}

function rows(prefix: string, schema: Schema): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
    const name = `${prefix}${key}`
    const needed = schema.required?.includes(key) ? ' (needed)' : ''
    const row = `| \`${name}\` | ${cell(show(value))}${needed} | ${cell(value.description ?? '')} |`
    // What `defaults` may hold is what the entries hold.
    if (prefix === 'defaults.') return [row]
    return [row, ...inner(value).flatMap(form => rows(`${name}${form.step}.`, form.schema))]
  })
}

/** The mappings inside a value, whatever stands around them. */
function inner(schema: Schema): { step: string; schema: Schema }[] {
  if (schema.properties !== undefined) return [{ step: '', schema }]
  if (schema.items !== undefined) return inner(schema.items).map(form => ({ ...form, step: `[]${form.step}` }))
  if (typeof schema.additionalProperties === 'object' && schema.additionalProperties.properties !== undefined)
    return [{ step: '.NAME', schema: schema.additionalProperties }]
  const seen = new Set<string>()
  return [...(schema.anyOf ?? []), ...(schema.allOf ?? [])].flatMap(inner).filter(form => {
    const keys = Object.keys(form.schema.properties ?? {}).join()
    return !seen.has(keys) && seen.add(keys)
  })
}

function show(schema: Schema): string {
  if (schema.$ref !== undefined) return (titles[schema.$ref.split('/').at(-1) ?? ''] ?? '').toLowerCase()
  if (schema.enum !== undefined) return schema.enum.map(word => `\`${word}\``).join(', ')
  if (schema.const !== undefined) return `\`${schema.const}\``
  const forms = [...(schema.anyOf ?? []), ...(schema.allOf ?? [])]
  const [first, second] = forms
  if (forms.length === 2 && first !== undefined && second?.items !== undefined && show(first) === show(second.items))
    return `${show(first)}, or a list`
  if (forms.length > 0) return [...new Set(forms.map(show))].join(' or ')
  if (schema.type === 'array') {
    const item = schema.items === undefined ? 'anything' : show(schema.items)
    return item.startsWith('such as') ? `list, ${item}` : `list of ${item}`
  }
  if (schema.type === 'object') {
    const named = schema.additionalProperties
    return typeof named === 'object' && schema.properties === undefined ? `names, each: ${show(named)}` : 'mapping'
  }
  if (schema.pattern?.endsWith('(ms|s|m|h|d)$')) return 'duration'
  if (schema.pattern?.includes('KiB')) return 'size'
  if (schema.pattern === '^\\/') return 'absolute path'
  if (schema.type === 'integer' && (schema.minimum ?? 0) > Number.MIN_SAFE_INTEGER)
    return `${schema.minimum} to ${schema.maximum}`
  if (schema.type === 'number' && schema.minimum !== undefined) return `${schema.minimum} to ${schema.maximum}`
  if (schema.type === 'boolean') return 'true, false'
  if (schema.examples !== undefined)
    return `such as ${schema.examples.map(example => `\`${example}\``.replaceAll('\r\n', '\\r\\n')).join(', ')}`
  return schema.type === 'string' ? 'text' : [schema.type ?? 'anything'].flat().join(', ')
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;')
}
