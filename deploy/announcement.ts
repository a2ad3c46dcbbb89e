import { declaredTypes, demonstrationLicences, demonstrationMatters } from './demonstration.ts'
import type { RunningBox } from './local.ts'

/**
 * What the box says when it is ready: one line that begins `ready`, where to look, and three commands to try, with licences that are
 * there. `dataOption` is empty where the commands find the data by themselves.
 */
export function announcement(box: RunningBox, dataOption: string): string {
  const lines = [
    `ready: ${box.zones.length} zones, gRPC ${box.grpcAddress}, HTTP ${box.httpAddress}, data ${box.dataDir}`,
    ...box.zones.map((zone) => `  ${zone.padEnd(12)} http://${box.httpAddress}/z/${zone}/`),
    'try:',
    ...commands(box).map((command) => `  ./hutong ${command}${dataOption}`),
  ]
  return lines.map((line) => `${line}\n`).join('')
}

/** Three commands to try: a verdict, a revocation, and the hub going away. */
export function commands(box: RunningBox): readonly [string, string, string] {
  const issuing = box.zones[0]!
  const receiving = box.zones[1] ?? issuing
  const licences = demonstrationLicences(issuing)
  const shown = licences.find(({ licenceType }) => licenceType === declaredTypes[0])!
  const revoked = licences.find(({ licenceType }) => licenceType === '11100000000013338W009')!
  const matter = demonstrationMatters().find(({ materials }) => materials.includes(shown.licenceType))!
  return [
    `licence verify ${shown.identifier} --at-zone ${receiving} --matter ${matter.code}`,
    `licence revoke ${revoked.identifier} --manner cancelled`,
    'dev stop hub',
  ]
}
