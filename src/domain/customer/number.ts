/** Customer numbers: what callers type beside their PIN once guessing has become likely. */

const form = /^[0-9]{4,12}$/
/** The sequence `customer_numbers_drawn` begins behind it. Where fewer digits are typed, what it has given since counts. */
const beforeFirstDrawn = 100_000

/** What is wrong with a given one; null: nothing. @param length digits that can be typed */
export function customerNumberMistake(given: string, length: number): string | null {
  if (!form.test(given)) return 'A customer number has 4 to 12 digits and nothing else, because it is typed on the phone.'
  if (given.length > length)
    return `At most ${length} digits of a customer number can be typed (pin.customer_number_length in pforte.yaml).`
  return null
}

/** What the sequence gave, in as many digits as can be typed; null if it has run past them. */
export function typable(drawn: number, length: number): string | null {
  const text = String(beforeFirstDrawn).length <= length ? String(drawn) : String(drawn - beforeFirstDrawn).padStart(length, '0')
  return text.length <= length ? text : null
}

export const noCustomerNumberLeft = (length: number): string =>
  `No customer number of ${length} digits is left. Allow more (pin.customer_number_length in pforte.yaml).`
