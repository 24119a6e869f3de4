/** Background work in Postgres: ordering it, and doing it. */
export { JobOrders } from './jobs/orders.ts'
export { openJobs, type JobsOptions } from './jobs/runner.ts'
