import type { EngineJars } from '../jars.ts'

/** Those of `pom.xml` beside this file. */
export const kafkaJars: EngineJars = { listedIn: import.meta.dirname, name: 'kafka-4.1.1' }
