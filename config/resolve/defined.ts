/** The same object without keys whose value is undefined: absent is the only way to say "not given" further on. */
export function defined<T extends object>(object: T): Defined<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Defined<T>
}

type Maybe<T, K extends keyof T> = undefined extends T[K] ? K : never
export type Defined<T> = { [K in keyof T as K extends Maybe<T, K> ? never : K]: T[K] } & {
  [K in keyof T as Maybe<T, K>]?: Exclude<T[K], undefined>
}
