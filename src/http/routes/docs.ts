/** The OpenAPI document as a page that people read and try requests on, once they have typed a key there. */
import swaggerUi from '@fastify/swagger-ui'
import type { Api } from '../api.ts'

/** Its files come with Pforte: nothing is asked of another host, and nothing inline runs. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

export async function docsRoutes(app: Api): Promise<void> {
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: POLICY,
    theme: { title: 'Pforte: the HTTP API' },
    uiConfig: { docExpansion: 'list', displayRequestDuration: true, syntaxHighlight: false, validatorUrl: null },
  })
}
