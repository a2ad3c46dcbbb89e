import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import { PROBLEM_TYPE, problemSchema } from './problem-schema.ts'

/** Where the description of all that is mounted for a zone lies, below `/z/<zone>`. */
export const OPEN_API_PATH = '/v1/openapi.json'

/** Makes an application describe its described routes as OpenAPI 3.1, at OPEN_API_PATH. Call it before routes are added. */
export async function addOpenApi(app: FastifyInstance, zone: string): Promise<void> {
  app.addSchema(problemSchema)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: `Hutong 互通, ${zone}`,
        version: '1',
        description:
          'HTTP and JSON beside gRPC: the same services, roles and reason codes. docs/http.md tells how to use it. ' +
          `What is refused is ${PROBLEM_TYPE} (RFC 9457).`,
      },
      servers: [{ url: `/z/${zone}` }],
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
    },
    hideUntagged: true,
    convertConstToEnum: false,
    refResolver: { buildLocalReference: ({ $id }, _base, _fragment, at) => String($id ?? `schema-${at}`) },
  })
  app.get(OPEN_API_PATH, async () => app.swagger())
}
