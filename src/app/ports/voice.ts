/** A language tag: `de`, `en`, or any other that the voice at hand may know (`fr`, `en-US`). */
export type Language = 'de' | 'en' | (string & {})

/**
 * Turns text into speech.
 *
 * `id` names the voice and everything about it that changes how it sounds (kind, version,
 * command); it is known without starting anything, because rendered prompts are kept under it.
 */
export interface Voice {
  readonly id: string

  /**
   * Speaks `text` and answers a WAV file: mono, 16-bit, 8 or 16 kHz.
   *
   * Texts may speak of a person: an implementation shows them neither in logs, nor in errors,
   * nor in the process list.
   * @throws {VoiceError} when this voice cannot say it
   */
  render(text: string, language: Language): Promise<Buffer>

  /** Gives back threads and the like. A closed voice may be used again, at the cost of a start. */
  close(): Promise<void>
}

/** Why a text could not be spoken; the message says what to do about it, and never holds the text. */
export class VoiceError extends Error {
  override readonly name = 'VoiceError'
  /** `language`: this voice does not know it; `missing`: a part of the voice is not there; `failed`: it broke while speaking. */
  readonly reason: 'language' | 'missing' | 'failed'

  constructor(reason: VoiceError['reason'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}
