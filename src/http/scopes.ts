/** What an API key may do. Every route names the scope that opens it; `admin` opens all. */
export const SCOPES = ['read', 'tickets', 'events', 'customers', 'admin'] as const
export type Scope = (typeof SCOPES)[number]

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Scope of a key that opens this route, or several of which one is enough. */
    scope?: Scope | readonly Scope[]
  }
}
