import * as kafka from './kafka.ts'
import * as mongo from './mongo.ts'

// pnpm engines up | down | status: what the suites of the adapters run on, by hand. `up` prints what to export.

const engines = { kafka, mongo }
const commands = { up, down, status }
const [command = ''] = process.argv.slice(2)
if (!Object.hasOwn(commands, command)) {
  process.stderr.write('usage: pnpm engines up | down | status\n')
  process.exit(2)
}
await commands[command as keyof typeof commands]()

async function up(): Promise<void> {
  for (const [name, engine] of Object.entries(engines)) {
    try {
      for (const [variable, value] of Object.entries((await engine.up()).env)) {
        process.stdout.write(`${variable}=${value}\n`)
      }
    } catch (error) {
      process.stderr.write(`${name}: ${error instanceof Error ? error.message : error}\n`)
      process.exitCode = 1
    }
  }
}

async function down(): Promise<void> {
  for (const engine of Object.values(engines)) await engine.down()
}

async function status(): Promise<void> {
  for (const [name, engine] of Object.entries(engines)) {
    const found = await engine.status()
    process.stdout.write(found.kind === 'up' ? `${name}: up, ${found.label}; ${shown(found.env)}\n` : `${name}: down\n`)
  }
}

function shown(env: Readonly<Record<string, string>>): string {
  return Object.entries(env)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')
}
