/** What is wrong with a file, said by line so that somebody can mend all of it at once. */

export type Mistake = {
  /** As a text editor counts; null: of the file as a whole. */
  line: number | null
  /** The heading as it stands in the file. */
  column: string | null
  what: string
  mend: string
}

/** More help nobody: they are counted and not kept. */
export const mostMistakes = 100

/** Keeps the first hundred and counts the rest. */
export class Mistakes {
  readonly kept: Mistake[] = []
  count = 0

  get areTooMany(): boolean {
    return this.count > mostMistakes
  }

  add(...mistakes: readonly Mistake[]): void {
    this.count += mistakes.length
    this.kept.push(...mistakes.slice(0, Math.max(0, mostMistakes - this.kept.length)))
  }

  /** Those that were kept, in the order of lines. */
  inOrder(): Mistake[] {
    return this.kept.sort((a, b) => (a.line ?? 0) - (b.line ?? 0))
  }
}
