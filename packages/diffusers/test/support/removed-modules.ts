import { type Constant, constantOf, evaluateGraph, float32, sizeOf } from '@secateur/graph';
import { expectClose } from '@secateur/testkit';
import { expect } from 'vitest';
import { overridesOf, shapesOf, weightsFrom } from '../../src/index.js';
import type { RemovalCase } from './removal.js';

/**
 * Removes every removable module by itself and compares the outputs with those of the whole model with the module's last
 * layer zeroed, which adds nothing; and what the removed model's graph says of itself must be that removal.
 *
 * @param lastLayers  beginnings of the tensors' names, below the module's path, whose zeros silence the module; `undefined`
 *   for a module that is made of others
 * @returns paths of the modules compared
 */
export function expectRemovedModules(
  model: RemovalCase,
  lastLayers: (path: string) => readonly string[] | undefined,
): string[] {
  const { modelClass, config, weights, feeds, outputs = ['out'] } = model;
  const outline = modelClass.outline(config);
  const compared: string[] = [];
  for (const { path } of outline.removable) {
    const last = lastLayers(path);
    if (!last) continue;
    const isOf = (name: string, beginnings: readonly string[]) =>
      beginnings.some((beginning) => name.startsWith(`${path}.${beginning}`));
    // What a removed module takes along, such as its norm, is not asked for.
    const all = { ...weightsFrom(weights), names: () => [] };
    const needed = shapesOf(modelClass.build(config, all, { removed: [path] }));
    const left = new Map([...weights].filter(([name]) => needed.has(name)));
    const silent = new Map([...weights].map(([name, tensor]) => [name, isOf(name, last) ? zeroed(tensor) : tensor]));
    expect(
      [...silent.values()].filter((tensor, i) => tensor !== [...weights.values()][i]).length,
      path,
    ).toBeGreaterThan(0);
    const removed = modelClass.build(config, weightsFrom(left), { removed: [path] });
    const whole = modelClass.build(config, weightsFrom(silent));
    const [a, b] = [evaluateGraph(removed, feeds), evaluateGraph(whole, feeds)];
    // Adding zeros is exact; 1e-6 leaves room for a sum that began elsewhere.
    for (const output of outputs) {
      expectClose(a[output].data as Float32Array, b[output].data as Float32Array, 1e-6, `${path}: ${output}`);
    }
    expect(overridesOf(removed, outline).removed).toEqual([path]);
    compared.push(path);
  }
  return compared;
}

function zeroed({ shape }: Constant): Constant {
  return constantOf(float32(shape, new Float32Array(sizeOf(shape))));
}
