/** How the gate stands, for whoever starts Pforte, reloads it or asks the doctor: how likely a guess is right, and who cannot get in any more. */
import type { GuessChance } from '../domain/gate/guess-chance.ts'
import { StoreUnavailable } from '../app/ports/store.ts'
import type { Service } from '../config.ts'
import { PartFailure } from '../local/part-failure.ts'
import type { Progress } from '../local/progress.ts'
import type { Store } from '../store/open.ts'

/**
 * Says how the gate stands, before the first call.
 * @throws PartFailure where `pforte.yaml` would rather not start than be guessed
 */
export async function tellGate(store: Store, service: Service, progress: Progress): Promise<void> {
  const now = await store.calls.guessChance()
  const tooLikely = isTooLikely(now, service)
  if (tooLikely && service.pin.limits.whenTooLikely === 'refuse_to_start') {
    throw new PartFailure({
      part: 'PINs',
      what: inWords(now),
      mend: 'Make PINs longer (pin.length), or set pin.limits.when_too_likely: customer_number.',
      exitCode: 2,
    })
  }
  progress.done(`PINs: ${inWords(now)}${tooLikely ? '; so the customer number is asked too' : ''}`)
  for (const warning of await gateWarnings(store, service)) progress.warn(warning)
}

export function isTooLikely(now: GuessChance, { pin }: Service): boolean {
  return now.chance > pin.limits.maxGuessChance
}

export function inWords({ validPins, likeliest, chance }: GuessChance): string {
  const percent = `${(chance * 100).toFixed(3)} %`
  return validPins === likeliest.validPins
    ? `${validPins} valid of ${likeliest.possiblePins} possible; a random one is right with a chance of ${percent}`
    : `${validPins} valid, ${likeliest.validPins} of them among the ${likeliest.possiblePins} of ${likeliest.length} digits; a random one of these is right with a chance of ${percent}`
}

/** After a reload, which has happened even if Postgres has gone since and cannot be asked. */
export async function warnOfGate(store: Store, service: Service, say: (warning: string) => void): Promise<void> {
  try {
    for (const warning of await gateWarnings(store, service)) say(warning)
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error
  }
}

/** Whom a changed pforte.yaml has shut out, or made easier to guess than it looks. One line each, with the mend. */
export async function gateWarnings(store: Store, { pin }: Service): Promise<string[]> {
  const { length, customerNumberLength } = pin.rules
  const { cutPins, shortPins } = await store.calls.guessChance()
  const { customers, longest } = await store.records.untypableCustomerNumbers()
  const warnings: string[] = []
  if (cutPins > 0)
    warnings.push(
      `${many(cutPins, 'valid PIN')} longer than pin.length (${length}) and cannot be typed any more: set it back, or issue new ones.`,
    )
  if (shortPins > 0)
    warnings.push(
      `${many(shortPins, 'valid PIN')} shorter than pin.length (${length}): such a PIN ends with # and is guessed as easily as before. Issue new ones, and revoke them.`,
    )
  if (customers > 0)
    warnings.push(
      `${many(customers, 'customer number')} longer than pin.customer_number_length (${customerNumberLength}) and cannot be typed: set it to ${longest}.`,
    )
  return warnings
}

function many(count: number, what: string): string {
  return count === 1 ? `1 ${what} is` : `${count} ${what}s are`
}
