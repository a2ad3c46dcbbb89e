import { defineConfig, type ViteUserConfig } from 'vitest/config'

// Two projects: `unit` lies beside the code and touches no network; `whole` crosses packages and starts real parts.
const config: ViteUserConfig = defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['packages/**/*.test.ts', 'services/**/*.test.ts', 'deploy/**/*.test.ts'],
          testTimeout: 30_000,
        },
      },
      { test: { name: 'whole', include: ['tests/**/*.test.ts'], testTimeout: 120_000, hookTimeout: 120_000 } },
    ],
  },
})

export default config
