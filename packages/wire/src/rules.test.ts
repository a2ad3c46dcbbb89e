import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import * as rules from './rules.ts'
import type { MessageRule } from './strict-reader.ts'

const buf = join(fileURLToPath(new URL('../../../node_modules/.bin', import.meta.url)), 'buf')
const contract = fileURLToPath(new URL('../../../proto', import.meta.url))

interface Described {
  readonly name: string
  readonly field?: readonly {
    readonly name: string
    readonly number: number
    readonly label: string
    readonly type: string
    readonly typeName?: string
    readonly jsonName: string
    readonly oneofIndex?: number
    readonly proto3Optional?: boolean
  }[]
  readonly oneofDecl?: readonly { readonly name: string }[]
}

const forms: Readonly<Record<string, string>> = {
  TYPE_STRING: 'text',
  TYPE_BYTES: 'bytes',
  TYPE_UINT32: 'uint32',
  TYPE_UINT64: 'uint64',
  TYPE_BOOL: 'bool',
  TYPE_ENUM: 'enum',
}

describe('the strict reader', () => {
  it('knows every field of these messages as the contract has it, and no other', (ctx) => {
    if (!existsSync(buf)) ctx.skip('buf: not installed here')
    const messages = describedMessages()
    const known = allRules()
    for (const rule of known.values()) {
      expect({ [rule.name]: told(rule) }).toEqual({ [rule.name]: asContracted(messages.get(rule.name)!) })
    }
    const needed = ['leaf', 'payload', 'batch', 'hub', 'charter', 'verdict', 'state'].flatMap((file) => namesIn(file))
    expect([...known.keys()].sort()).toEqual(needed.filter((name) => name !== 'Refusal').sort())
  })
})

let files: readonly { readonly name: string; readonly messageType?: readonly Described[] }[] | undefined

function describedFiles(): NonNullable<typeof files> {
  files ??= JSON.parse(
    execFileSync(buf, ['build', contract, '--exclude-source-info', '-o', '-#format=json'], { encoding: 'utf8' }),
  ).file
  return files!
}

function describedMessages(): Map<string, Described> {
  const messages = describedFiles().flatMap((file) => file.messageType ?? [])
  return new Map(messages.map((message) => [message.name, message]))
}

function namesIn(file: string): string[] {
  const found = describedFiles().find(({ name }) => name === `hutong/v1/${file}.proto`)
  return (found?.messageType ?? []).map(({ name }) => name)
}

function allRules(): Map<string, MessageRule<unknown>> {
  const known = new Map<string, MessageRule<unknown>>()
  const add = (rule: MessageRule<unknown>): void => {
    known.set(rule.name, rule)
    for (const { form } of Object.values(rule.fields)) if (typeof form === 'object') add(form)
  }
  for (const rule of Object.values(rules)) add(rule)
  return known
}

function told(rule: MessageRule<unknown>): object {
  return Object.fromEntries(
    Object.entries(rule.fields).map(([number, { name, form, repeated, oneof, optional }]) => {
      const shape = typeof form === 'object' ? form.name : form === 'packed_uint32' ? 'uint32' : form
      return [number, { name, form: shape, repeated: repeated === true || form === 'packed_uint32', oneof, optional }]
    }),
  )
}

function asContracted(message: Described): object {
  return Object.fromEntries(
    (message.field ?? []).map((field) => {
      const form = field.type === 'TYPE_MESSAGE' ? field.typeName!.split('.').at(-1) : forms[field.type]
      const optional = field.proto3Optional ? true : undefined
      const oneof = optional || field.oneofIndex === undefined ? undefined : message.oneofDecl![field.oneofIndex]!.name
      // The descriptor has JSON names for fields alone; the generated code writes those of choices in the same way.
      const choice = oneof?.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
      const repeated = field.label === 'LABEL_REPEATED' ? true : undefined
      return [field.number, { name: field.jsonName, form, repeated: repeated ?? false, oneof: choice, optional }]
    }),
  )
}
