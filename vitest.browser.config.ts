import { defineConfig } from 'vitest/config';
import { sourceAliases } from './packages/testkit/src/source-aliases.js';

// The browser tier: tests that run in Node and drive a page in Chromium through `withBrowserPage`.
export default defineConfig({
  resolve: { alias: sourceAliases() },
  test: {
    include: ['packages/**/test/**/*.browser.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    testTimeout: 120_000,
    maxWorkers: 1,
    passWithNoTests: false,
  },
});
