import { defineConfig } from 'vitest/config';
import { sourceAliases } from './packages/testkit/src/source-aliases.js';

// Tests run on the sources, so that a failing line is the line in the editor. A package's entry point `./x` is `src/x.ts`.
export default defineConfig({
  resolve: { alias: sourceAliases() },
  test: {
    include: ['packages/**/test/**/*.test.ts', 'scripts/test/*.test.mjs'],
    exclude: ['**/node_modules/**', '**/dist/**', '**/*.browser.test.ts'],
    testTimeout: 60_000,
    maxWorkers: 2,
  },
});
