import { describe, expect, it } from 'vitest'
import { checkNote, keysFromVkeys } from './offline.ts'

// The example of C2SP signed-note, made by golang.org/x/mod/sumdb/note.
const vkey = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
const note =
  'If you think cryptography is the answer to your problem,\n' +
  "then you don't know what your problem is.\n" +
  '\n' +
  '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n'

describe('checking a note', () => {
  it('names the signers whose lines hold', () => {
    expect(checkNote(Buffer.from(note), [vkey])).toEqual({
      kind: 'note',
      text: note.slice(0, note.indexOf('\n\n') + 1),
      signers: ['PeterNeumann'],
    })
  })

  it('refuses an altered text', () => {
    expect(checkNote(Buffer.from(note.replace('answer', 'Answer')), [vkey])).toMatchObject({
      code: 'SIGNATURE_INVALID',
    })
  })

  it('refuses a note that no given key has signed', () => {
    expect(checkNote(Buffer.from(note), [])).toMatchObject({ code: 'NO_KNOWN_SIGNATURE' })
  })

  it('refuses a vkey whose key id is not that of its key', () => {
    expect(checkNote(Buffer.from(note), [vkey.replace('c74f20a3', 'c74f20a4')])).toMatchObject({ code: 'MALFORMED' })
  })

  it('takes a vkey that is given twice once', () => {
    expect(keysFromVkeys([vkey, vkey])).toHaveLength(1)
  })
})
