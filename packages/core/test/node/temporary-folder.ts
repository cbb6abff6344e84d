import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';

/** A fresh folder for every test of a file; `here('a/b')` is a path in it. */
export function temporaryFolder(): (path?: string) => string {
  let folder = '';
  beforeEach(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), 'secateur-test-')));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });
  return (path = '') => join(folder, path);
}
