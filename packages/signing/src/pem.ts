/** The longest text looked at. The keys of our suites take about 250 characters. */
const LONGEST_PEM_CHARACTERS = 4096

/**
 * The bytes of exactly one PEM block with this label (RFC 7468, strict form): canonical base64, no headers, nothing before or after but a line end.
 * Undefined for anything else.
 */
export function derFromPem(label: 'PRIVATE KEY' | 'PUBLIC KEY', pem: string): Buffer | undefined {
  if (pem.length > LONGEST_PEM_CHARACTERS) return undefined
  const lines = pem.replace(/\r?\n$/, '').split(/\r?\n/)
  if (lines.shift() !== `-----BEGIN ${label}-----` || lines.pop() !== `-----END ${label}-----`) return undefined
  const base64 = lines.join('')
  const der = Buffer.from(base64, 'base64')
  return der.length > 0 && der.toString('base64') === base64 ? der : undefined
}
