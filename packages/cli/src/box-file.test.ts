import { describe, expect, it } from 'vitest'
import { type BoxFile, boxFileFromJson, boxFileToJson } from './box-file.ts'

const box: BoxFile = {
  pid: 4711,
  grpc: '127.0.0.1:4980',
  http: '127.0.0.1:4981',
  startedAt: '2026-11-24T00:00:00.000Z',
  zones: ['beijing'],
  tokens: { hub: { operator: 'o' }, beijing: { client: 'c' } },
}

describe('the description of a running box', () => {
  it('is read as it was written', () => {
    expect(boxFileFromJson(boxFileToJson(box))).toEqual(box)
  })

  it.each([
    ['half of it', boxFileToJson(box).slice(0, 40)],
    ['no object', '[]'],
    ['no process', JSON.stringify({ ...box, pid: 0 })],
    ['an address beyond this machine', JSON.stringify({ ...box, grpc: '10.0.0.1:4980' })],
    ['a name that could be resolved elsewhere', JSON.stringify({ ...box, http: 'localhost.example:4981' })],
    ['tokens that are no texts', JSON.stringify({ ...box, tokens: { hub: { operator: 1 } } })],
  ])('is none: %s', (_what, text) => {
    expect(boxFileFromJson(text)).toBeUndefined()
  })
})
