import type { Page } from 'playwright-core';
import { bundle, entryName } from './bundle.js';
import { launchBrowser } from './launch-browser.js';
import { serve } from './serve.js';

export interface BrowserPageOptions {
  /** Absolute path of a module whose exports the test will call; TypeScript and workspace packages are fine. */
  entry: string;
  /** Further files the page may fetch: path below `/` → absolute path on disk. */
  files?: Readonly<Record<string, string>>;
}

export interface BrowserPage {
  /**
   * Calls an exported function of the entry module inside the browser. Arguments and result are copied: plain values,
   * arrays, objects and typed arrays.
   */
  call<Result>(name: string, ...args: readonly unknown[]): Promise<Result>;
  /** Playwright's page, for everything else. */
  readonly page: Page;
}

/** A script and not `page.evaluate`, because vitest rewrites an `import()` inside a function it compiles. */
const html = `<!doctype html><meta charset="utf-8"><title>Test page</title>
<script>globalThis.pageModule = import('./${entryName}');</script>`;

/**
 * Bundles a module, opens it in Chromium on a page that is isolated across origins, lets `use` call its exports, and
 * cleans up.
 * @throws {Error} when no browser launches, or with what the page printed when the module does not load
 */
export async function withBrowserPage<Result>(
  { entry, files }: BrowserPageOptions,
  use: (page: BrowserPage) => Promise<Result>,
): Promise<Result> {
  const contents = await bundle(entry);
  contents.set('index.html', html);
  const server = await serve(contents, files);
  try {
    const browser = await launchBrowser();
    try {
      const page = await browser.newPage();
      return await use(await open(page, server.url));
    } finally {
      await browser.close();
    }
  } finally {
    await server.close();
  }
}

async function open(page: Page, url: string): Promise<BrowserPage> {
  const printed: string[] = [];
  page.on('pageerror', (error) => printed.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') printed.push(message.text());
  });
  await page.goto(url);
  return {
    page,
    call: async <Result>(name: string, ...args: readonly unknown[]): Promise<Result> => {
      try {
        return (await page.evaluate(callExport, { name, args })) as Result;
      } catch (error) {
        throw new Error([`${name} failed in the browser: ${error}`, ...printed].join('\n'), { cause: error });
      }
    },
  };
}

type PageModule = Record<string, (...args: readonly unknown[]) => unknown>;

/** Runs inside the page; must not refer to anything outside itself. */
async function callExport({ name, args }: { name: string; args: readonly unknown[] }): Promise<unknown> {
  const exports = await (globalThis as unknown as { pageModule: Promise<PageModule> }).pageModule;
  if (typeof exports[name] !== 'function') throw new Error(`The page's module exports no function ${name}.`);
  return exports[name](...args);
}
