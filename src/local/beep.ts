const SAMPLE_RATE_HZ = 8_000
const TONE_HZ = 1_000
const DURATION_MS = 250
const FADE_MS = 10
/** A fifth of full scale, about as loud as speech on the telephone. */
const AMPLITUDE = 0.2 * 0x7fff
const BYTES_A_SAMPLE = 2
const HEADER_BYTES = 44

/**
 * The tone before a recording: Asterisk plays the sound file `beep`, and a
 * private one has no other sound files. WAV, 8 kHz, mono, 16 bit.
 */
export function beep(): Buffer {
  const samples = (SAMPLE_RATE_HZ * DURATION_MS) / 1000
  const wav = Buffer.alloc(HEADER_BYTES + samples * BYTES_A_SAMPLE)
  // RIFF/WAVE as in "Multimedia Programming Interface and Data Specifications 1.0", 1991.
  wav.write('RIFF', 0, 'latin1')
  wav.writeUInt32LE(wav.length - 8, 4)
  wav.write('WAVEfmt ', 8, 'latin1')
  wav.writeUInt32LE(16, 16)
  wav.writeUInt16LE(1, 20)
  wav.writeUInt16LE(1, 22)
  wav.writeUInt32LE(SAMPLE_RATE_HZ, 24)
  wav.writeUInt32LE(SAMPLE_RATE_HZ * BYTES_A_SAMPLE, 28)
  wav.writeUInt16LE(BYTES_A_SAMPLE, 32)
  wav.writeUInt16LE(8 * BYTES_A_SAMPLE, 34)
  wav.write('data', 36, 'latin1')
  wav.writeUInt32LE(samples * BYTES_A_SAMPLE, 40)
  const fade = (SAMPLE_RATE_HZ * FADE_MS) / 1000
  for (let n = 0; n < samples; n++) {
    const envelope = Math.min(1, n / fade, (samples - 1 - n) / fade)
    wav.writeInt16LE(
      Math.round(AMPLITUDE * envelope * Math.sin((2 * Math.PI * TONE_HZ * n) / SAMPLE_RATE_HZ)),
      HEADER_BYTES + n * BYTES_A_SAMPLE,
    )
  }
  return wav
}
