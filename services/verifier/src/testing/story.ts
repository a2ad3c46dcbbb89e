import type { Event, LicenceIssued, RecognitionDeclared } from '@hutong/licence'
import {
  type Published,
  restated,
  resumed,
  revoked,
  suspended,
  type Twisted,
  unknownField,
  type World,
  withdrawn,
} from '@hutong/verify/world'

/** For tests: the zones of a story. */
export const zones = ['beijing', 'tianjin', 'langfang'] as const

/** One thing that happens in a story: an event of one of few licences or declarations, as it should be or not. */
export interface Happening {
  readonly zone: number
  readonly about: number
  readonly what: number
  readonly twist: number
}

/** What happens to few licences and declarations, told as it should be or not. */
export class Story {
  readonly world: World
  readonly #published: Published[] = []

  constructor(world: World) {
    this.world = world
  }

  licence(zone: string, about: number): LicenceIssued {
    return this.world.licence(zone, `S${about}`)
  }

  declaration(zone: string, version: number): RecognitionDeclared {
    return { ...this.world.declaration(zone), effectiveFromMs: 0, version }
  }

  tell({ zone: at, about, what, twist }: Happening): void {
    const zone = zones[at]!
    this.world.tick(1000)
    const event = this.#event(zone, about, what)
    this.#published.push(this.world.publish(zone, { event, ...this.#twist(event, twist, at) }))
  }

  #event(zone: string, about: number, what: number): Event {
    const licence = this.licence(zone, about)
    const declaration = this.declaration(zone, 1 + about)
    const named = this.#published.findLast((one) => one.zone === zone)
    switch (what) {
      case 0:
      case 1:
        return licence
      case 2:
        return suspended(licence)
      case 3:
        return resumed(licence)
      case 4:
        return revoked(licence)
      case 5:
        return declaration
      case 6:
        return withdrawn(declaration)
      case 7:
        return named === undefined ? licence : restated(about === 0 ? licence : declaration, named)
      default:
        return { kind: 'observed', head: this.world.head() }
    }
  }

  #twist(event: Event, twist: number, zone: number): Partial<Twisted> {
    if (event.kind === 'observed') return {}
    switch (twist) {
      case 0:
        return { carried: 'missing' }
      case 1:
        return { carried: 'damaged' }
      case 2:
        return { secret: Buffer.alloc(16, 7) }
      case 3:
        return { subject: Buffer.alloc(32, 9 + zone) }
      case 4:
        return { kind: 60 }
      case 5:
        return { payloadSuffix: unknownField(500) }
      default:
        return {}
    }
  }
}
