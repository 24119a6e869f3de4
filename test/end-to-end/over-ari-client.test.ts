import { tellAll } from './stories/all.ts'

await tellAll('ari-client')
