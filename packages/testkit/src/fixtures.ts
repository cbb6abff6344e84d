import { fileURLToPath } from 'node:url';

/** Absolute path of a committed fixture, e.g. `fixturePath('unet2d-tiny/golden.safetensors')`. */
export function fixturePath(path: string): string {
  return fileURLToPath(new URL(`../fixtures/${path}`, import.meta.url));
}
