import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('.', import.meta.url));

// Tests run on the sources, so that a failing line is the line in the editor. A package's entry point `./x` is `src/x.ts`.
export default defineConfig({
  resolve: {
    alias: [
      { find: /^@secateur\/(baselines|diff-pruning)$/, replacement: `${root}packages/methods/$1/src/index.ts` },
      { find: /^@secateur\/(baselines|diff-pruning)\/(.+)$/, replacement: `${root}packages/methods/$1/src/$2.ts` },
      { find: /^@secateur\/([a-z-]+)$/, replacement: `${root}packages/$1/src/index.ts` },
      { find: /^@secateur\/([a-z-]+)\/(.+)$/, replacement: `${root}packages/$1/src/$2.ts` },
    ],
  },
  test: {
    include: ['packages/**/test/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**', '**/*.browser.test.ts'],
    testTimeout: 60_000,
    maxWorkers: 2,
  },
});
