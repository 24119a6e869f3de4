import t from 'tap'
import { telephonyContract } from './contract.ts'

await telephonyContract(t, 'websocket')
