/** Of npm `smpp` 0.5.1 only what Pforte uses: its tables and its PDU codec. */

declare module 'smpp/lib/defs.js' {
  /** How one kind of parameter stands in a PDU. `read` reads on beyond the buffer's end without a word, or throws a RangeError. */
  export interface ParamType {
    read(buffer: Buffer, offset: number): unknown
    write(value: unknown, buffer: Buffer, offset: number): void
    size(value: unknown): number
    default: unknown
  }
  export interface CommandDefinition {
    id: number
    /** In the order of the wire. */
    params?: Record<string, { type: ParamType; default?: unknown }>
  }
  const defs: {
    commands: Record<string, CommandDefinition>
    types: Record<'int8' | 'int16' | 'int32' | 'cstring' | 'buffer' | 'dest_address_array' | 'unsuccess_sme_array', ParamType>
    tlvs: Record<string, { id: number }>
    errors: Record<string, number>
    gsmCoder: { encode(text: string, table: number): Buffer; decode(octets: Buffer, table: number): string }
  }
  export default defs
}

declare module 'smpp/lib/pdu.js' {
  export class PDU {
    constructor(command: string, options?: Record<string, unknown>)
    constructor(frame: Buffer)
    readonly [field: string]: unknown
    toBuffer(): Buffer
    /** Turns octets into texts and dates as it sees fit ('decode'), and back ('encode'). */
    _filter(direction: 'decode' | 'encode'): void
  }
  const exports: { PDU: typeof PDU }
  export default exports
}
