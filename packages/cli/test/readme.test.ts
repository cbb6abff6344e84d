import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import * as secateur from '../src/index.js';

/** The library example of the root README, run as it stands, but for where it writes and when the sweep stops. */
describe('the example of the README', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'secateur-readme-'));
  });
  afterAll(async () => {
    vi.restoreAllMocks();
    await rm(folder, { recursive: true, force: true });
  });

  it('prunes the bundled model and saves it', async () => {
    const readme = await readFile(new URL('../../../README.md', import.meta.url), 'utf8');
    const example = /```ts\n([\s\S]*?)```/.exec(readme)![1];
    // At 0.9 the sweep ends after a few timesteps instead of hundreds.
    const code = example
      .replace(/import (\{[^}]*\}) from 'secateur';/, 'const $1 = secateur;')
      .replace('threshold: 0.05', 'threshold: 0.9')
      .replace("'smaller/'", 'out');
    const log = vi.spyOn(console, 'log').mockImplementation(() => {});
    const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor as new (
      ...args: string[]
    ) => (library: typeof secateur, out: string) => Promise<void>;
    await new AsyncFunction('secateur', 'out', code)(secateur, join(folder, 'smaller'));
    expect(log).toHaveBeenLastCalledWith(532_938_752, '→', expect.any(Number));
    expect(log.mock.lastCall![2]).toBeLessThan(0.6 * 532_938_752);
    expect(await readdir(join(folder, 'smaller'))).toEqual(expect.arrayContaining(['unet', 'load_secateur.py']));
  }, 120_000);
});
