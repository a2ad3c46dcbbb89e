import { demonstrationLicences } from '@hutong/deploy'
import type { LicenceIssued } from '@hutong/licence'
import type { ToPublish } from '@hutong/sdk'
import { identifierOf } from '@hutong/verify/world'

/** Licences that nobody holds: as many as are asked for, each another, all of one authority of a zone of the box. */
export class InventedLicences {
  readonly #model: LicenceIssued

  constructor(zone: string) {
    const [model] = demonstrationLicences(zone)
    if (model === undefined) throw new Error(`no licence of the demonstration is of ${zone}`)
    this.#model = model
  }

  /** The licence with this serial number, from 0 on. */
  licence(serial: number): LicenceIssued {
    const { licenceType, authority, holder } = this.#model
    return {
      ...this.#model,
      identifier: identifierOf(licenceType, authority, `BENCH${serial.toString().padStart(9, '0')}`),
      number: `演示-${serial}`,
      holder: { ...holder, name: `演示企业（第 ${serial} 号）` },
    }
  }

  /** `count` of them from `from` on, in lists as a request takes them. */
  *lists(from: number, count: number, perList: number): Generator<readonly ToPublish[]> {
    for (let at = 0; at < count; at += perList) {
      yield Array.from({ length: Math.min(perList, count - at) }, (_, place) => {
        const serial = from + at + place
        return { requestId: `bench-${serial}`, event: this.licence(serial) }
      })
    }
  }
}
