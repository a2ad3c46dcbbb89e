// GB 32100: I, O, S, V and Z are left out, they are too easily misread.
const ALPHABET = '0123456789ABCDEFGHJKLMNPQRTUWXY'
const CREDIT_CODE_LENGTH = 18

const values: Int8Array = new Int8Array(128).fill(-1)
for (const [value, character] of [...ALPHABET].entries()) values[character.charCodeAt(0)] = value

/** 3^i mod 31 for the 17 characters before the check character. */
const weights: Uint8Array = Uint8Array.from({ length: CREDIT_CODE_LENGTH - 1 }, (_, at) => 3 ** at % 31)

/** Whether a text is a unified social credit code (GB 32100): 18 characters, upper case, its check character right. */
export function isCreditCode(text: string): boolean {
  return text.length === CREDIT_CODE_LENGTH && creditCodeCheckCharacter(text) === text[CREDIT_CODE_LENGTH - 1]
}

/**
 * The check character over the first 17 characters (GB 32100, weights 3^i modulo 31); undefined where one of them is
 * missing or not of the code's alphabet.
 */
export function creditCodeCheckCharacter(text: string): string | undefined {
  let sum = 0
  for (let at = 0; at < weights.length; at++) {
    const code = text.charCodeAt(at)
    const value = code < 128 ? values[code]! : -1
    if (value < 0) return undefined
    sum += value * weights[at]!
  }
  return ALPHABET[(31 - (sum % 31)) % 31]
}
