/** The functions of Pico's `picoapi.h` as Emscripten exports them; pointers are numbers. */
declare module '@echogarden/svoxpico-wasm' {
  export interface SvoxPico {
    readonly HEAPU8: Uint8Array
    readonly HEAPU32: Uint32Array
    readonly HEAP16: Int16Array
    readonly FS: { writeFile(path: string, bytes: Uint8Array): void }
    _malloc(bytes: number): number
    _free(pointer: number): void
    _pico_initialize(memory: number, bytes: number, systemAt: number): number
    _pico_loadResource(system: number, fileName: number, resourceAt: number): number
    _pico_getResourceName(system: number, resource: number, nameAt: number): number
    _pico_createVoiceDefinition(system: number, voiceName: number): number
    _pico_addResourceToVoiceDefinition(system: number, voiceName: number, resourceName: number): number
    _pico_newEngine(system: number, voiceName: number, engineAt: number): number
    _pico_resetEngine(engine: number, mode: number): number
    _pico_putTextUtf8(engine: number, text: number, bytes: number, takenAt: number): number
    _pico_getData(engine: number, samples: number, bytes: number, bytesAt: number, typeAt: number): number
  }
  export default function load(): Promise<SvoxPico>
}
