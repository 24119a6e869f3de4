/**
 * How Pforte is set up: the environment, and the definition of the service in
 * `pforte.yaml`. Everything comes out typed and checked, or as problems that a
 * person can mend.
 */
export { configurationIsWrong, formatEnvironmentProblems, loadEnvironment } from './config/environment.ts'
export type { Environment, EnvironmentLoaded, EnvironmentProblem } from './config/environment.ts'
export { loadService } from './config/load.ts'
export type { Loaded, LoadOptions } from './config/load.ts'
export { formatProblems } from './config/problem.ts'
export type { Path, Problem } from './config/problem.ts'
export { toDefinitions } from './config/definitions.ts'
export { smppRouteFor } from './config/smpp.ts'
export type { Line, PromptText, Queue, Service, ServiceFlow, Smpp, SmppRoute } from './config/service.ts'
export { checkFile } from './config/check-file.ts'
