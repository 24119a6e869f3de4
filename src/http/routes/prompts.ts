/**
 * Prompts, as Asterisk's media cache fetches them. Asterisk cannot send a key,
 * so the route goes by who asks: this machine, or the networks that were named.
 */
import { BlockList, isIPv6 } from 'node:net'
import { Type } from 'typebox'
import { type Api, problems } from '../api.ts'
import type { HttpOptions } from '../options.ts'
import { ProblemError } from '../problem.ts'

const YEAR_SECONDS = 365 * 24 * 60 * 60
const THIS_MACHINE = ['127.0.0.0/8', '::1/128']

const HashParam = Type.Object({ hash: Type.String({ maxLength: 128, description: "Hash of the prompt's content" }) })

export function promptRoutes(app: Api, { prompts, promptClients = THIS_MACHINE }: HttpOptions): void {
  const allowed = networks(promptClients)

  app.route({
    // HEAD is written out, because Fastify's own sends what a GET would and drops it.
    method: ['GET', 'HEAD'],
    url: '/prompts/:hash(^[A-Za-z0-9_-]+).wav',
    schema: {
      tags: ['prompts'],
      summary: 'A rendered prompt, for Asterisk',
      params: HashParam,
      response: { 200: { description: 'WAV', content: { 'audio/wav': { schema: Type.Any() } } }, ...problems },
    },
    handler: async (request, reply) => {
      if (!allowed.check(request.ip, isIPv6(request.ip) ? 'ipv6' : 'ipv4')) {
        throw new ProblemError(403, 'forbidden', 'Prompts are for Asterisk only, and this address is not one that it may ask from.')
      }
      const { hash } = request.params
      const prompt = await prompts.get(hash)
      if (prompt === null) throw new ProblemError(404, 'not_found', 'There is no prompt with this hash.')
      const etag = `"${hash}"`
      // The hash is of the content, so what is kept under it can never be out of date.
      reply.header('cache-control', prompt.noStore ? 'no-store' : `public, max-age=${YEAR_SECONDS}, immutable`).header('etag', etag)
      if (!prompt.noStore && isKnown(request.headers['if-none-match'], etag)) return reply.code(304).send()
      reply.type('audio/wav').header('content-length', prompt.wav.length)
      return reply.send(request.method === 'HEAD' ? null : prompt.wav)
    },
  })
}

const isKnown = (header: string | undefined, etag: string) =>
  header?.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag) ?? false

function networks(cidrs: readonly string[]): BlockList {
  const list = new BlockList()
  for (const cidr of cidrs) {
    const [address = '', bits = ''] = cidr.split('/')
    list.addSubnet(address, Number(bits), isIPv6(address) ? 'ipv6' : 'ipv4')
  }
  return list
}
