/** Reads what Node says of itself in `/metrics`. */

export type ProcessFigures = { cpuMs: number; residentMb: number; heapMb: number; lagP99Ms: number }

export function readRunningPforte(metrics: string): ProcessFigures {
  const value = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(metrics)?.[1] ?? NaN)
  const megabytes = 1024 * 1024
  return {
    cpuMs: value('process_cpu_seconds_total') * 1000,
    residentMb: value('process_resident_memory_bytes') / megabytes,
    heapMb: value('nodejs_heap_size_used_bytes') / megabytes,
    lagP99Ms: value('nodejs_eventloop_lag_p99_seconds') * 1000,
  }
}
