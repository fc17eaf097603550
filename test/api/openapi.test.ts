import { Hono } from 'hono'
import { describe, expect, test } from 'vitest'
import { changeRoutes } from '../../src/api/change-routes.js'
import type { ApiHandlers } from '../../src/api/handlers.js'
import { createMetrics } from '../../src/api/metrics.js'
import { openapi } from '../../src/api/openapi.js'
import { readRoutes } from '../../src/api/read-routes.js'

const document = JSON.parse(JSON.stringify(openapi)) as typeof openapi

describe('the OpenAPI document', () => {
  test('describes every route, and no other', () => {
    const app = new Hono()
    readRoutes(app, {} as ApiHandlers, createMetrics())
    changeRoutes(app, {} as ApiHandlers, () => 'nobody')
    const served = app.routes.map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`)
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map(method => `${method.toUpperCase()} ${path}`),
    )
    expect([...described].sort()).toEqual([...served].sort())
  })

  test('points only at what it defines', () => {
    const names = [...JSON.stringify(document).matchAll(/#\/components\/schemas\/(\w+)/g)].map(([, name]) => name)
    expect(names.length).toBeGreaterThan(5)
    expect(names.filter(name => !(name! in document.components.schemas))).toEqual([])
  })

  test('says for every operation what it does and what it answers', () => {
    for (const methods of Object.values(document.paths))
      for (const operation of Object.values(methods) as { summary: string; responses: object }[]) {
        expect(operation.summary).toMatch(/\.$/)
        expect(Object.keys(operation.responses)).toContain('200')
      }
  })
})
