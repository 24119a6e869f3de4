import { tellAll } from './stories/all.ts'

await tellAll('websocket')
