import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { cp, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { Writable } from 'node:stream';
import { fixturePath } from '@secateur/testkit';
import { afterEach } from 'vitest';
import { run } from '../src/index.js';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Called with everything written to stderr so far. */
  onStderr?(text: string): void;
}

/** Runs a command line inside the test's process. */
export async function secateur(argv: readonly string[], options: RunOptions = {}): Promise<Ran> {
  let stdout = '';
  let stderr = '';
  const code = await run(argv, {
    stdout: collector((text) => {
      stdout += text;
    }),
    stderr: collector((text) => {
      stderr += text;
      options.onStderr?.(stderr);
    }),
    cwd: options.cwd ?? process.cwd(),
    env: options.env ?? {},
    signal: options.signal ?? new AbortController().signal,
  });
  return { code, stdout, stderr };
}

function collector(take: (text: string) => void): Writable {
  return new Writable({
    write(chunk, _, done) {
      take(String(chunk));
      done();
    },
  });
}

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A folder that is gone after the test. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'secateur-cli-'));
  folders.push(folder);
  return folder;
}

/** The small UNet (3 channels, 16×16) as a diffusers folder of one's own. */
export async function tinyModel(folder: string): Promise<string> {
  const model = join(folder, 'model');
  await mkdir(model);
  for (const file of ['config.json', 'diffusion_pytorch_model.safetensors']) {
    await cp(fixturePath(`unet2d-tiny/${file}`), join(model, file));
  }
  return model;
}

/** Every file below a folder with its size and time of change: to see that nothing was touched. */
export function snapshot(folder: string): string[] {
  const files: string[] = [];
  const visit = (path: string) => {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const inner = join(path, entry.name);
      if (entry.isDirectory()) {
        files.push(`${relative(folder, inner)}/`);
        visit(inner);
      } else {
        const { size, mtimeMs } = statSync(inner);
        files.push(`${relative(folder, inner)} ${size} ${mtimeMs}`);
      }
    }
  };
  visit(folder);
  return files.sort();
}

export function readJson(path: string): Record<string, unknown> {
  return JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
}

export { existsSync, fixturePath, join };
