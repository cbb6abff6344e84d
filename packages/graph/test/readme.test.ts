import { readFileSync } from 'node:fs';
import { format } from 'node:util';
import { expect, it } from 'vitest';
import * as graph from '../src/index.js';

it('the example of the README prints what the README says', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const [, code, output] = /```ts\n(.*?)```\n\n```text\n(.*?)```/s.exec(readme)!;
  const body = code.replace(/^import (\{.*?\}) from '@secateur\/graph';/ms, 'const $1 = secateur;');
  const lines: string[] = [];
  new Function('secateur', 'console', body)(graph, { log: (...values: unknown[]) => lines.push(format(...values)) });
  expect(`${lines.join('\n')}\n`).toBe(output);
});
