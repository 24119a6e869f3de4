/** How the carrier wants its SMPP: from what is written to the words of the link. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { ms } from './flow.ts'
import { isTimeZone } from './hours.ts'
import type { Path } from './problem.ts'
import { filled } from './schema/filled.ts'
import type { ServiceFile } from './schema/service.ts'
import * as schema from './schema/smpp.ts'
import type { Smpp, SmppRoute } from './service.ts'
import type { Mistake } from './validate.ts'

type Written = NonNullable<ServiceFile['smpp']>

const interfaceVersions = { '3.3': 0x33, '3.4': 0x34, '5.0': 0x50 } as const

/** @param folder where the path of a `ca` begins */
export function smppOf(written: ServiceFile['smpp'], folder: string): { smpp: Smpp; mistakes: Mistake[] } {
  const mistakes: Mistake[] = []
  const { routes = {}, ...usual } = written ?? {}
  return {
    smpp: {
      usual: routeOf(usual, ['smpp'], folder, mistakes),
      routes: Object.fromEntries(
        Object.entries(routes).map(([host, different]) => {
          const route = routeOf({ ...usual, ...different }, ['smpp', 'routes', host], folder, mistakes)
          return [host.toLowerCase(), route]
        }),
      ),
    },
    mistakes,
  }
}

/** What holds at the carrier with this host in `SMPP_URL`. */
export function smppRouteFor({ usual, routes }: Smpp, host: string): SmppRoute {
  return routes[host.toLowerCase()] ?? usual
}

/** The bits of a reference in the longest header that any route puts before a part. With SAR the carrier chooses. */
export function referenceBitsOf({ usual, routes }: Smpp): 8 | 16 {
  const isLong = ({ concatenation }: SmppRoute): boolean => concatenation === 'udh16' || concatenation === 'sar'
  return [usual, ...Object.values(routes)].some(isLong) ? 16 : 8
}

function routeOf(written: Omit<Written, 'routes'>, path: Path, folder: string, mistakes: Mistake[]): SmppRoute {
  const route = filled(schema.smppRoute, written)
  if (!isTimeZone(route.receipt_time_zone)) {
    const message = `"${route.receipt_time_zone}" is not a time zone`
    mistakes.push({ path: [...path, 'receipt_time_zone'], message, hint: 'Write it as Europe/Berlin, Europe/Zurich or UTC.' })
  }
  const ca = written.ca === undefined ? null : certificates(resolve(folder, written.ca))
  if (ca !== null && 'message' in ca) mistakes.push({ path: [...path, 'ca'], ...ca })
  return {
    window: route.window,
    ratePerSecond: written.rate ?? null,
    binds: route.binds,
    bindMode: route.mode,
    interfaceVersion: interfaceVersions[route.interface_version],
    systemType: written.system_type ?? '',
    serviceType: written.service_type ?? '',
    idForm: route.ids,
    concatenation: route.concatenation,
    validity: route.validity,
    sourceEncoding: route.alphabet,
    receiptTimeZone: route.receipt_time_zone,
    ca: ca !== null && 'pem' in ca ? ca.pem : null,
    responseTimeoutMs: ms(route.response_timeout),
    enquireLinkMs: ms(route.enquire_link),
  }
}

function certificates(file: string): { pem: string } | Pick<Mistake, 'message' | 'hint'> {
  let pem: string
  try {
    pem = readFileSync(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ENOENT'
      ? { message: `there is no file ${file}`, hint: 'Paths begin at the folder of this file. Put the certificates there.' }
      : { message: `the file ${file} cannot be read (${code ?? String(error)})`, hint: 'Make it a file that this user may read.' }
  }
  return pem.includes('-----BEGIN CERTIFICATE-----')
    ? { pem }
    : { message: `${file} holds no certificate`, hint: 'It is a text in PEM: -----BEGIN CERTIFICATE----- and so on.' }
}
