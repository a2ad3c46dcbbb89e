import type { EngineJars } from '../jars.ts'

/** Those of `pom.xml` beside this file. */
export const mongoJars: EngineJars = { listedIn: import.meta.dirname, name: 'mongo-java-server-1.47.0' }
