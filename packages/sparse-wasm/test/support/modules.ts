import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import type { Isa } from '../../src/kernels.list.js';

const folder = fileURLToPath(new URL('../../', import.meta.url));

/** Absolute path of a file of this package. */
export const packagePath = (path: string): string => `${folder}${path}`;

/** For hooks that may have to compile the modules, on a busy machine. */
export const buildTimeout = 120_000;

/** Makes `pkg/` and `pkg-relaxed/` unless they are there and up to date. Test files wait for one another. */
export async function buildOnce(): Promise<void> {
  mkdirSync(packagePath('node_modules/.cache'), { recursive: true });
  const lock = packagePath('node_modules/.cache/build-lock');
  for (let tries = 0; ; tries++) {
    try {
      closeSync(openSync(lock, 'wx'));
      break;
    } catch {
      // A run that was killed leaves its lock behind.
      if (tries > 300) rmSync(lock, { force: true });
      await sleep(100);
    }
  }
  try {
    execFileSync(process.execPath, [packagePath('scripts/build-pkg.mjs'), '--if-stale'], { stdio: 'inherit' });
  } finally {
    rmSync(lock, { force: true });
  }
}

export function moduleBytes(isa: Isa): Uint8Array<ArrayBuffer> {
  const path = isa === 'relaxed' ? 'pkg-relaxed/web/sparse_wasm_bg.wasm' : 'pkg/web/sparse_wasm_bg.wasm';
  return new Uint8Array(readFileSync(packagePath(path)));
}

/** Node 20 has relaxed SIMD behind a flag, later ones have it anyway and do not know the flag: they would print a warning. */
export function allowRelaxedSimd(): void {
  if (process.versions.node.startsWith('20.')) setFlagsFromString('--experimental-wasm-relaxed-simd');
}

export type RawExports = Record<string, (...args: number[]) => void> & { memory: WebAssembly.Memory };

/** A fresh instance of a module. */
export async function rawModule(isa: Isa): Promise<RawExports> {
  await buildOnce();
  if (isa === 'relaxed') allowRelaxedSimd();
  const { instance } = await WebAssembly.instantiate(moduleBytes(isa));
  return instance.exports as unknown as RawExports;
}
