export { type BoxFile, type BoxRole, boxCharterName, boxFileFromJson, boxFileName, boxFileToJson } from './box-file.ts'
export { type BoxStatus, controlPath } from './dev.ts'
export { CommandError, exits } from './exit.ts'
export { type CharterDraft, cosignerName, type FirstCharter, firstCharter, firstOrigin } from './first-charter.ts'
