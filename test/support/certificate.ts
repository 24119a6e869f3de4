/**
 * Certificates for servers in tests, made when they are needed, so that no
 * private key lies in the repository. X.509 v3 (RFC 5280) in DER (X.690),
 * written here because Node makes none, and openssl is not on every machine.
 */
import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'
import { isIP } from 'node:net'

/** Both as PEM. */
export type Certificate = { key: string; cert: string; subject: string; signWith: KeyObject }

export type CertificateWish = {
  /** Addresses and host names that it is for. */
  names?: string[]
  /** Who signs it; by default it signs itself. */
  by?: Certificate
  /** Epoch ms. */
  from?: number
  to?: number
}

const DAY_MS = 24 * 3600 * 1000

const OID = {
  commonName: [0x55, 0x04, 0x03],
  basicConstraints: [0x55, 0x1d, 0x13],
  subjectAltName: [0x55, 0x1d, 0x11],
  /** 1.2.840.10045.4.3.2 */
  ecdsaWithSha256: [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
}

export function certificate({
  names = ['127.0.0.1'],
  by,
  from = Date.now() - DAY_MS,
  to = Date.now() + DAY_MS,
}: CertificateWish = {}): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const subject = `${by === undefined ? 'authority' : 'server'} ${randomBytes(4).toString('hex')}`
  const algorithm = sequence(oid(OID.ecdsaWithSha256))
  const body = sequence(
    tagged(0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    name(by?.subject ?? subject),
    sequence(time(from), time(to)),
    name(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(
      3,
      sequence(
        ...(by === undefined ? [extension(OID.basicConstraints, sequence(der(0x01, Buffer.from([0xff]))))] : []),
        extension(OID.subjectAltName, sequence(...names.map(alternativeName))),
      ),
    ),
  )
  const signature = sign('sha256', body, by?.signWith ?? privateKey)
  const whole = sequence(body, algorithm, der(0x03, Buffer.concat([Buffer.from([0]), signature])))
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    cert: `-----BEGIN CERTIFICATE-----\n${whole
      .toString('base64')
      .match(/.{1,64}/g)
      ?.join('\n')}\n-----END CERTIFICATE-----\n`,
    subject,
    signWith: privateKey,
  }
}

function der(tag: number, content: Buffer): Buffer {
  const { length } = content
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}
const sequence = (...parts: Buffer[]): Buffer => der(0x30, Buffer.concat(parts))
const tagged = (number: number, content: Buffer): Buffer => der(0xa0 + number, content)
const integer = (bytes: Buffer): Buffer => der(0x02, bytes)
const oid = (bytes: number[]): Buffer => der(0x06, Buffer.from(bytes))
const octets = (content: Buffer): Buffer => der(0x04, content)
const name = (common: string): Buffer => sequence(der(0x31, sequence(oid(OID.commonName), der(0x0c, Buffer.from(common)))))
const extension = (id: number[], value: Buffer): Buffer => sequence(oid(id), octets(value))

/** GeneralizedTime, for whatever year: `20260302080000Z`. */
const time = (at: number): Buffer => der(0x18, Buffer.from(`${new Date(at).toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`))

function alternativeName(of: string): Buffer {
  return isIP(of) === 4 ? der(0x87, Buffer.from(of.split('.').map(Number))) : der(0x82, Buffer.from(of))
}
