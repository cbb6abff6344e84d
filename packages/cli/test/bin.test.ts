import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { existsSync, join, scratch, secateur, snapshot, tinyModel } from './run-cli.js';

const program = fileURLToPath(new URL('../dist/bin.js', import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built program; sends `signal` once `when` is on standard error. */
function start(argv: readonly string[], signal?: { name: NodeJS.Signals; when: RegExp }): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [program, ...argv]);
    let stdout = '';
    let stderr = '';
    let sent = false;
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
      if (signal && !sent && signal.when.test(stderr)) sent = child.kill(signal.name);
    });
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

// They need the built program, which `npm test` makes before it runs them.
describe.skipIf(!existsSync(program))('the program', () => {
  it('prints the help that run() prints, and ends', async () => {
    const { code, stdout } = await start(['--help']);
    expect(code).toBe(0);
    expect(stdout.length).toBeGreaterThan(500);
    expect((await start(['inspect', '/nowhere', '--json'])).code).toBe(2);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('ends with 130 on %s and leaves nothing behind', async (name) => {
    const folder = scratch();
    const model = await tinyModel(folder);
    const images = join(folder, 'images.png');
    const drawn = await secateur([
      'sample',
      model,
      '--count',
      '1',
      '--steps',
      '1',
      '--sampler',
      'ddim',
      '--out',
      images,
      '--quiet',
    ]);
    expect(drawn.code).toBe(0);
    const before = snapshot(folder);
    const argv = [
      'prune',
      model,
      '--method',
      'obd',
      '--ratio',
      '0.3',
      '--data',
      images,
      '--samples',
      '1',
      '--out',
      join(folder, 'out'),
    ];
    const { code, stdout, stderr } = await start(argv, { name, when: /gradients/ });
    expect(stderr).toMatch(/error: Cancelled/);
    expect(code).toBe(130);
    expect(stdout).toBe('');
    expect(snapshot(folder)).toEqual(before);
  });
});
