/** A time inside JSON, where no type parser sees it, as SQL for epoch milliseconds. */
export function milliseconds(column: string): string {
  return `round(extract(epoch FROM ${column}) * 1000)::bigint`
}
