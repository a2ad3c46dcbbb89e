import { createMemoryStore } from '@hutong/store'
import { revoked } from '@hutong/verify/world'
import { describe, expect, it } from 'vitest'
import { newHub, startTestVerifier, until } from './testing/test-verifier.ts'

describe('a verifier', () => {
  it('answers VALID for a licence that was followed, recognised and witnessed', async () => {
    const hub = newHub()
    const { world } = hub
    const licence = world.licence('beijing', '1')
    world.publish('tianjin', world.declaration('tianjin'))
    world.publish('beijing', licence)
    hub.witness()
    await using test = await startTestVerifier(hub, createMemoryStore())
    await test.caughtUp()
    await until(() => test.verifier.follower.view.cosigned?.checkpoint.size === world.size)
    const answer = await test.ask(licence.identifier)
    expect(answer).toMatchObject({ kind: 'findings', findings: { word: 'VALID', position: world.size } })
    world.publish('beijing', revoked(licence))
    await test.caughtUp()
    expect(await test.ask(licence.identifier)).toMatchObject({ findings: { word: 'INVALID', code: 'REVOKED' } })
  })
})
