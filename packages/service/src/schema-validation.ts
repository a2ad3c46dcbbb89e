import { Ajv2020, type AnySchema } from 'ajv/dist/2020.js'
import type { FastifyInstance, FastifySchemaCompiler } from 'fastify'

/**
 * What holds requests against the schemas of an application's routes. Bodies are taken as they are: nothing is coerced, added or taken
 * away. What stands in paths, queries and headers is text, and numbers are read out of it.
 */
export function validatorsOf(app: FastifyInstance): FastifySchemaCompiler<AnySchema> {
  const known = validators.get(app)
  if (known !== undefined) return known
  const options = { strict: true, strictTypes: false, strictRequired: false } as const
  const [exact, coercing] = [new Ajv2020(options), new Ajv2020({ ...options, coerceTypes: true })]
  for (const schema of Object.values(app.getSchemas())) {
    for (const reader of [exact, coercing]) reader.addSchema(schema as AnySchema)
  }
  const made: FastifySchemaCompiler<AnySchema> = ({ schema, httpPart }) =>
    (httpPart === 'body' ? exact : coercing).compile(schema)
  validators.set(app, made)
  return made
}

const validators = new WeakMap<FastifyInstance, FastifySchemaCompiler<AnySchema>>()
