/** Certificates of our own for tests, which Node can check but not make: X.509 v3 (RFC 5280) in DER, by hand. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'

export type Certificate = { cert: string; key: string; name: string }

const SEQUENCE = 0x30
const SET = 0x31
const INTEGER = 0x02
const BIT_STRING = 0x03
const OCTET_STRING = 0x04
const OBJECT_ID = 0x06
const UTF8_STRING = 0x0c
const GENERALIZED_TIME = 0x18
const TRUE = Buffer.of(0x01, 0x01, 0xff)

/** ecdsa-with-SHA256 */
const algorithm = der(SEQUENCE, objectId('2a8648ce3d040302'))
let serial = 1

/** For `dnsName` and 127.0.0.1; by itself, or signed by another one, which must be for a CA. */
export function makeCertificate(name: string, { dnsName, by }: { dnsName?: string; by?: Certificate } = {}): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const spki = createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })).export({ type: 'spki', format: 'der' })
  const signer: KeyObject = by === undefined ? privateKey : createPrivateKey(by.key)
  const extensions = [extension('551d13', der(SEQUENCE, dnsName === undefined ? TRUE : Buffer.alloc(0)))]
  if (dnsName !== undefined) {
    const names = der(SEQUENCE, der(0x82, Buffer.from(dnsName)), der(0x87, Buffer.of(127, 0, 0, 1)))
    extensions.push(extension('551d11', dnsName === 'localhost' ? names : der(SEQUENCE, der(0x82, Buffer.from(dnsName)))))
  }
  const body = der(
    SEQUENCE,
    der(0xa0, der(INTEGER, Buffer.of(2))),
    der(INTEGER, Buffer.of(serial++)),
    algorithm,
    commonName(by?.name ?? name),
    der(SEQUENCE, der(GENERALIZED_TIME, Buffer.from('20200101000000Z')), der(GENERALIZED_TIME, Buffer.from('21200101000000Z'))),
    commonName(name),
    spki,
    der(0xa3, der(SEQUENCE, ...extensions)),
  )
  const signature = sign('sha256', body, { key: signer, dsaEncoding: 'der' })
  const certificate = der(SEQUENCE, body, algorithm, der(BIT_STRING, Buffer.of(0), signature))
  const base64 = certificate.toString('base64').replace(/(.{64})/g, '$1\n')
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    name,
  }
}

function commonName(name: string): Buffer {
  return der(SEQUENCE, der(SET, der(SEQUENCE, objectId('550403'), der(UTF8_STRING, Buffer.from(name)))))
}

function extension(id: string, value: Buffer): Buffer {
  return der(SEQUENCE, objectId(id), der(OCTET_STRING, value))
}

function objectId(hex: string): Buffer {
  return der(OBJECT_ID, Buffer.from(hex, 'hex'))
}

function der(tag: number, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents)
  const { length } = content
  const head = length < 0x80 ? [tag, length] : length < 0x100 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from(head), content])
}
