/**
 * Preconditions (RFC 9110, sections 8.8.3 and 13.1): of two people who change
 * the same thing, the second is told that it is not what they have seen.
 */
import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import type { Result } from '../app/ports/records.ts'
import { invalidField, ProblemError, valueOf } from './problem.ts'

const Tags = (description: string) => Type.Optional(Type.String({ minLength: 1, maxLength: 1000, description }))

export const IfMatch = Type.Object({ 'if-match': Tags('ETags of which it must have one now, or `*`; otherwise 412') })
export const IfNoneMatch = Type.Object({ 'if-none-match': Tags('ETags that you have already, or `*`; if it still has one of them, 304') })

export function etagOf(version: number): string {
  return `"${version}"`
}

/**
 * Changes a thing if it is what whoever asks has seen, and says in `ETag` what it is then.
 * @param read it as it stands; null if there is none, which is for the change itself to say
 * @param change with the version that it must find; undefined: any
 * @throws ProblemError 412 with the present ETag; 400 if the header is none; what `valueOf` throws
 */
export async function changeMatching<T extends { version: number }>(
  ifMatch: string | undefined,
  reply: FastifyReply,
  read: () => Promise<T | null>,
  change: (version: number | undefined) => Promise<Result<T>>,
): Promise<T> {
  const tags = ifMatch === undefined ? '*' : tagsOf(ifMatch, 'If-Match')
  const seen = tags === '*' ? null : await read()
  // Compared strongly: a weak one never matches (section 13.1.1).
  if (seen !== null && !tags.includes(etagOf(seen.version))) throw preconditionFailed(seen.version)
  const changed = await change(seen?.version)
  if (!changed.ok && changed.refusal.field === 'version' && seen !== null) {
    // Somebody came between the look and the change.
    const now = await read()
    if (now !== null && now.version !== seen.version) throw preconditionFailed(now.version)
  }
  const value = valueOf(changed)
  reply.header('etag', etagOf(value.version))
  return value
}

/** Says in `ETag` what it is, and whether whoever asks has that already: then `notModified` is the answer. */
export function isStillTheSame(ifNoneMatch: string | undefined, version: number, reply: FastifyReply): boolean {
  reply.header('etag', etagOf(version))
  if (ifNoneMatch === undefined) return false
  const tags = tagsOf(ifNoneMatch, 'If-None-Match')
  // Compared weakly: W/ makes no difference (section 13.1.2).
  return tags === '*' || tags.some((tag) => tag.replace(/^W\//, '') === etagOf(version))
}

/** 304, without a body. */
export function notModified(reply: FastifyReply): FastifyReply {
  return reply.code(304).send()
}

function preconditionFailed(version: number): ProblemError {
  const detail = `It has version ${version} by now: somebody has changed it. Read it again, and then change that.`
  return new ProblemError(412, 'precondition_failed', detail, { headers: { etag: etagOf(version) } })
}

/** A quoted text without quotes and blanks in it, with W/ in front if it is weak (section 8.8.3). */
const tag = /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/

function tagsOf(header: string, name: string): '*' | string[] {
  if (header.trim() === '*') return '*'
  const tags: string[] = []
  // Commas stand between them, and may stand inside.
  for (let rest = header.trim(); rest !== ''; rest = rest.replace(/^[\s,]+/, '')) {
    const found = tag.exec(rest)?.[0]
    if (found === undefined || !/^(\s*,|\s*$)/.test(rest.slice(found.length)))
      throw invalidField('header', name, 'must hold ETags as answers have them, such as "3", or *')
    tags.push(found)
    rest = rest.slice(found.length)
  }
  if (tags.length === 0) throw invalidField('header', name, 'must hold ETags as answers have them, such as "3", or *')
  return tags
}
