import { describe, expect, it } from 'vitest'
import { address, flag, integer, list, milliseconds, oneOf, optionalText, port, secret, text } from './configuration.ts'

describe('configuration', () => {
  it.each([
    ['text', text({ A: 'x' }, 'A'), 'x'],
    ['absent text', text({}, 'A', 'y'), 'y'],
    ['optional text', optionalText({}, 'A'), undefined],
    ['secret', secret({ A: 's' }, 'A'), 's'],
    ['milliseconds', milliseconds({ A: '1500' }, 'A', 7), 1500],
    ['absent milliseconds', milliseconds({}, 'A', 7), 7],
    ['zero is not absent', milliseconds({ A: '0' }, 'A', 7), 0],
    ['integer at its least', integer({ A: '-3' }, 'A', -3, 4), -3],
    ['integer at its most', integer({ A: '4' }, 'A', -3, 4), 4],
    ['port', port({ A: '0' }, 'A'), 0],
    ['flag', flag({ A: 'false' }, 'A', true), false],
    ['absent flag', flag({}, 'A', false), false],
    ['one of', oneOf({ A: 'b' }, 'A', ['a', 'b']), 'b'],
    ['list', list({ A: 'beijing, tianjin' }, 'A'), ['beijing', 'tianjin']],
    ['address', address({ A: 'hub.example:7001' }, 'A'), 'hub.example:7001'],
    ['IPv6 address', address({ A: '[::1]:7001' }, 'A'), '[::1]:7001'],
  ])('reads %s', (_what, found, wanted) => {
    expect(found).toEqual(wanted)
  })

  it.each([
    ['absent text', () => text({}, 'A')],
    ['empty text', () => text({ A: ' ' }, 'A', 'y')],
    ['empty optional text', () => optionalText({ A: '' }, 'A')],
    ['absent secret', () => secret({}, 'A')],
    ['ten seconds written "10s"', () => milliseconds({ A: '10s' }, 'A', 7)],
    ['fractional milliseconds', () => milliseconds({ A: '1.5' }, 'A', 7)],
    ['milliseconds with an exponent', () => milliseconds({ A: '1e3' }, 'A', 7)],
    ['negative milliseconds', () => milliseconds({ A: '-1' }, 'A', 7)],
    ['empty milliseconds', () => milliseconds({ A: '' }, 'A', 7)],
    ['hexadecimal integer', () => integer({ A: '0x4' }, 'A', 0, 9)],
    ['integer below its least', () => integer({ A: '-4' }, 'A', -3, 4)],
    ['integer above its most', () => integer({ A: '5' }, 'A', -3, 4)],
    ['port above 65535', () => port({ A: '65536' }, 'A')],
    ['flag "yes"', () => flag({ A: 'yes' }, 'A', false)],
    ['flag named as a method of objects', () => flag({ A: 'toString' }, 'A', false)],
    ['another word', () => oneOf({ A: 'c' }, 'A', ['a', 'b'])],
    ['list with a word twice', () => list({ A: 'beijing,beijing' }, 'A')],
    ['list with nothing between commas', () => list({ A: 'beijing,,tianjin' }, 'A')],
    ['address without port', () => address({ A: 'hub.example' }, 'A')],
    ['address with a path', () => address({ A: 'hub.example:7001/x' }, 'A')],
  ])('refuses %s, naming the field', (_what, read) => {
    expect(read).toThrow(expect.objectContaining({ name: 'ConfigurationError', field: 'A', exitCode: 2 }))
  })

  it('does not repeat a secret', () => {
    expect(() => secret({ A: '   ' }, 'A')).toThrow(/^A: want a secret$/)
  })
})
