import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EncodedText, type Encoding, type EncodingFault, encodingAsTold, encodingOf } from './encoding.ts'

/** Bytes by another implementation: glibc's iconv. Undefined where the machine has none. */
const iconv = (() => {
  try {
    execFileSync('iconv', ['--version'])
  } catch {
    // Told by the name of the test that does not run.
    return undefined
  }
  return (text: string, encoding: Encoding) => execFileSync('iconv', ['-f', 'utf-8', '-t', encoding], { input: text })
})()

async function read(
  bytes: Uint8Array,
  encoding: Encoding,
  blockBytes = 1 << 20,
): Promise<{ readonly text: string; readonly fault: EncodingFault | undefined }> {
  async function* blocks() {
    for (let at = 0; at < bytes.length; at += blockBytes) yield bytes.subarray(at, at + blockBytes)
  }
  const encoded = new EncodedText(blocks(), encodingAsTold(bytes, encoding))
  let text = ''
  for await (const piece of encoded) text += piece
  return { text, fault: encoded.fault }
}

/** 中 is e4 b8 ad in UTF-8 and d6 d0 in GB18030 (GB 18030-2022). */
const middle = { 'utf-8': [0xe4, 0xb8, 0xad], gb18030: [0xd6, 0xd0] } as const
/** U+20000, of extension B, has four bytes in both. */
const rare = { 'utf-8': [0xf0, 0xa0, 0x80, 0x80], gb18030: [0x95, 0x32, 0x82, 0x36] } as const

describe('the encoding of a file', () => {
  it.each([
    ['plain ASCII', [0x61], { encoding: 'utf-8', by: 'content', markBytes: 0 }],
    ['UTF-8', middle['utf-8'], { encoding: 'utf-8', by: 'content', markBytes: 0 }],
    ['UTF-8 with a mark', [0xef, 0xbb, 0xbf, 0x61], { encoding: 'utf-8', by: 'byte order mark', markBytes: 3 }],
    ['GB18030', [...middle.gb18030, 0x2c, ...rare.gb18030, 0x0a], { encoding: 'gb18030', by: 'content', markBytes: 0 }],
    [
      'UTF-8 behind the mark of GB18030',
      [0x84, 0x31, 0x95, 0x33],
      { encoding: 'gb18030', by: 'byte order mark', markBytes: 4 },
    ],
    ['UTF-16, either way round', [0xff, 0xfe, 0x61, 0], undefined],
    ['UTF-16, the other', [0xfe, 0xff, 0, 0x61], undefined],
    ['neither', [0xff, 0x2c, 0xff, 0x0a], undefined],
  ])('of %s', (_what, bytes, choice) => {
    expect(encodingOf(Uint8Array.from(bytes))).toEqual(choice)
  })

  it('is told also where the first bytes end inside a character', () => {
    const line = (encoding: Encoding) => [0x61, 0x2c, ...middle[encoding], 0x0a]
    expect(encodingOf(Uint8Array.from([...line('utf-8'), ...rare['utf-8'].slice(0, 3)]))?.encoding).toBe('utf-8')
    expect(encodingOf(Uint8Array.from([...line('gb18030'), ...rare.gb18030.slice(0, 3)]))?.encoding).toBe('gb18030')
  })
})

describe('text', () => {
  it.skipIf(iconv === undefined).each(['utf-8', 'gb18030'] as const)(
    'in %s is what iconv wrote, however it is cut into blocks',
    async (encoding) => {
      // Not the 24 characters that the standard of 2022 gave other places than glibc has them; all other planes and separators.
      const text = [...'中文,"𠀀𬭎𪚥"\r\n'].join('') + String.fromCodePoint(0x10fffd, 0x3400, 0xe000, 0x80, 0x20ac)
      const bytes = iconv!(text.repeat(20), encoding)
      for (const blockBytes of [1, 2, 3, 7, 64, 4_096]) {
        expect(await read(bytes, encoding, blockBytes)).toEqual({ text: text.repeat(20), fault: undefined })
      }
    },
  )

  it.each(['utf-8', 'gb18030'] as const)(
    'cut inside a character of %s says line and byte, and keeps the lines before',
    async (encoding) => {
      const whole = [0x61, 0x0a, ...middle[encoding], 0x0a, 0x62, ...rare[encoding]]
      for (const missing of [1, 2, 3]) {
        const bytes = Uint8Array.from(whole.slice(0, whole.length - missing))
        const expected = { line: 3, byteOffset: whole.length - 4, cut: true }
        expect(await read(bytes, encoding)).toEqual({ text: 'a\n中\n', fault: expected })
      }
    },
  )

  it.each([
    ['utf-8', [0xc0, 0xaf]],
    ['utf-8', [0xed, 0xa0, 0x80]],
    ['utf-8', middle.gb18030],
    ['gb18030', [0xff]],
    ['gb18030', [0x81, 0x20]],
  ] as const)('of %s with a byte that is none stops there', async (encoding, broken) => {
    const before = [0x61, 0x0a, ...middle[encoding], 0x2c]
    const bytes = Uint8Array.from([...before, ...broken, 0x0a, 0x62, 0x0a])
    const { text, fault } = await read(bytes, encoding, 3)
    expect(fault).toEqual({ line: 2, byteOffset: before.length, cut: false })
    expect('a\n中,'.startsWith(text)).toBe(true)
  })

  it('that is broken at any byte is told at that byte, as another decoder finds it', async () => {
    const valid = fc.string({ unit: fc.constantFrom('a', ',', '\n', '中', 'é', '𠀀'), minLength: 0, maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(valid, valid, fc.integer({ min: 1, max: 9 }), async (before, after, blockBytes) => {
        const bytes = Buffer.concat([Buffer.from(before), Buffer.from([0xff]), Buffer.from(after)])
        const { fault } = await read(bytes, 'utf-8', blockBytes)
        const line = before.split('\n').length
        expect(fault).toEqual({ line, byteOffset: Buffer.byteLength(before), cut: false })
      }),
    )
  })
})
