import { type Caller, refuse, status } from '@hutong/service'
import { type IdentifyAsker, type Incoming, isFromAnotherSite } from './askers.ts'

interface Request {
  readonly headers: Incoming['headers']
  readonly socket: { readonly remoteAddress?: string | undefined }
}

/** Who asks. @throws what `refuse` makes: nobody who may, or a page of another site. */
export function admitted(identify: IdentifyAsker, { headers, socket }: Request): Caller {
  const caller = identify({ remoteAddress: socket.remoteAddress ?? '', headers })
  if (caller !== undefined && !isFromAnotherSite(headers)) return caller
  throw refuse({
    code: 'NOT_AUTHORISED',
    zh: '无权在此查验。',
    en: 'the caller may not ask here',
    grpc: status.PERMISSION_DENIED,
  })
}

/** Who asked, for the access log: a role, and the name the transport proved. */
export function nameOf({ role, name }: Caller): string {
  return name === undefined ? role : `${role}/${name}`
}
