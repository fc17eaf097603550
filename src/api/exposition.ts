/** Made once per thing by `labels`, used for each of its metrics. */
export type Labels = string & { readonly brand?: 'labels' }

/**
 * Prometheus' text format 0.0.4 for what is read off the status: a gauge registry would hash the labels of 37,000 real
 * servers for each scrape, this only writes them down.
 */
export function exposition() {
  const families = new Map<string, string[]>()

  /** One sample; the first one of a name brings its help and type. */
  function put(kind: string, name: string, help: string, labels: Labels, value: number, suffix = ''): void {
    let lines = families.get(name)
    if (!lines) {
      lines = [`# HELP ${name} ${help}`, `# TYPE ${name} ${kind}`]
      families.set(name, lines)
    }
    lines.push(labels === '' ? `${name}${suffix} ${value}` : `${name}${suffix}{${labels}} ${value}`)
  }

  return {
    gauge: (name: string, help: string, labels: Labels, value: number) => put('gauge', name, help, labels, value),
    counter: (name: string, help: string, labels: Labels, value: number) => put('counter', name, help, labels, value),
    /** @param suffix `_bucket` (cumulative, with `le`), `_sum` or `_count` */
    histogram: (name: string, help: string, suffix: string, labels: Labels, value: number) =>
      put('histogram', name, help, labels, value, suffix),
    text: () => [...families.values()].map(lines => `${lines.join('\n')}\n`).join(''),
  }
}

export type Exposition = ReturnType<typeof exposition>

/** `router="web",state="master"`; goes behind what is there already. */
export function labels(values: Readonly<Record<string, string | number>>, before: Labels = ''): Labels {
  let text: string = before
  for (const name in values) text += `${text === '' ? '' : ','}${name}="${escapeValue(String(values[name]))}"`
  return text
}

/** No labels. */
export const bare: Labels = ''

function escapeValue(value: string): string {
  return /[\\"\n]/.test(value) ? value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n') : value
}
