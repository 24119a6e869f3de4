import { type Api, NoContent, pageOf, problems } from '../api.ts'
import { instantOf } from '../formats.ts'
import type { HttpOptions } from '../options.ts'
import { notFound, valueOf } from '../problem.ts'
import { Input, List, PageQuery, ref } from '../schemas/common.ts'
import { ApiKey, DrawnApiKey, KeyIdParam, NewApiKey } from '../schemas/keys.ts'
import { showKey } from '../show-key.ts'

/** API keys: for each system that asks, one of its own with what it needs and no more. */
export function keyRoutes(app: Api, { apiKeys, now }: HttpOptions): void {
  const tags = ['keys']

  app.post(
    '/v1/keys',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        summary: 'Make an API key',
        description: 'The answer is the only one that ever contains the key.',
        body: NewApiKey,
        response: { 201: ref(DrawnApiKey), ...problems },
      },
    },
    async (request, reply) => {
      const { name, scopes, expiresAt, requestsPerMinute = null } = request.body
      const expires = expiresAt == null ? null : instantOf(expiresAt)
      const made = valueOf(await apiKeys.create({ name, scopes, expiresAt: expires, requestsPerMinute }, now()))
      return reply
        .code(201)
        .header('location', `/v1/keys/${made.id}`)
        .send({ ...showKey(made), key: made.key })
    },
  )

  app.get(
    '/v1/keys',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        summary: 'API keys, newest first',
        description: 'Those that have expired or were revoked are among them.',
        querystring: Input({ ...PageQuery }),
        response: { 200: List(ref(ApiKey)), ...problems },
      },
    },
    async (request) => {
      const page = await apiKeys.list(pageOf(request.query))
      return { items: page.items.map(showKey), next: page.next }
    },
  )

  app.get(
    '/v1/keys/:id',
    {
      config: { scope: 'admin' },
      schema: { tags, summary: 'An API key', params: KeyIdParam, response: { 200: ref(ApiKey), ...problems } },
    },
    async (request) => {
      const key = await apiKeys.get(request.params.id)
      if (key === null) throw notFound('API key')
      return showKey(key)
    },
  )

  app.delete(
    '/v1/keys/:id',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        summary: 'Revoke an API key',
        description:
          'From now on it opens nothing, and whoever watches /v1/live with it is cut off. Other processes know within five seconds.',
        params: KeyIdParam,
        response: { 204: NoContent, ...problems },
      },
    },
    async (request, reply) => {
      valueOf(await apiKeys.revoke(request.params.id, now()))
      return reply.code(204).send(null)
    },
  )
}
