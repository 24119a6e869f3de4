/** What an API key may do. Every route names the scope that opens it; `admin` opens all. */
import type { KeyHolder, Scope } from '../app/ports/api-keys.ts'

export { SCOPES, type Scope } from '../app/ports/api-keys.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Scope of a key that opens this route, or several of which one is enough. */
    scope?: Scope | readonly Scope[]
  }
}

/** @param scopes of which one is enough */
export function mayUse(holder: KeyHolder, scopes: readonly Scope[]): boolean {
  return holder.scopes.includes('admin') || scopes.some((scope) => holder.scopes.includes(scope))
}

export function listed(scope: Scope | readonly Scope[] | undefined): readonly Scope[] {
  return scope === undefined ? [] : typeof scope === 'string' ? [scope] : scope
}
