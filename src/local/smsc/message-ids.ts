/** What the SMSC calls messages: opaque to everybody else, and different from carrier to carrier. */

/**
 * - `hex`: eight digits, `2A3F12C4`; `decimal`: ten.
 * - `opaque`: letters, digits and hyphens, as some have it.
 */
export type IdForm = 'hex' | 'decimal' | 'opaque'

/** Of four octets and with letters in it when written in hexadecimal. */
const first = 0x2a00_0000
const range = 0x0fff_ffff

export class MessageIds {
  readonly #form: IdForm
  readonly #inReceipts: IdForm
  #last: number

  /** @param inReceipts the form in receipts, which with some carriers is another one than in responses */
  constructor(form: IdForm, inReceipts: IdForm, start: number) {
    this.#form = form
    this.#inReceipts = inReceipts
    this.#last = start % range
  }

  next(): { inResponse: string; inReceipt: string } {
    this.#last = (this.#last + 1) % range
    const inResponse = written(first + this.#last, this.#form)
    return { inResponse, inReceipt: this.#form === this.#inReceipts ? inResponse : written(first + this.#last, this.#inReceipts) }
  }
}

function written(id: number, form: IdForm): string {
  switch (form) {
    case 'hex':
      return id.toString(16).toUpperCase()
    case 'decimal':
      return id.toString().padStart(10, '0')
    case 'opaque':
      return `m-${id.toString(36)}-Zz`
  }
}
