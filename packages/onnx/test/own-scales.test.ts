import { constantOf, couple, float32, GraphBuilder } from '@secateur/graph';
import { expect, test } from 'vitest';
import { canonicalize, nameMap } from '../src/index.js';

test('norms without weights that read one constant of ones are cut apart', () => {
  const builder = new GraphBuilder('two', 17);
  const ones = builder.constant('val_1', constantOf(float32([3], [1, 1, 1])));
  for (const stream of ['a', 'b']) {
    const x = builder.input(stream, 'float32', [1, 2]);
    const parameter = (name: string, shape: number[]) =>
      builder.constant(`${stream}.${name}.weight`, constantOf(float32(shape, new Float32Array(6))));
    const hidden = builder.op('Gemm', [x, parameter('up', [2, 3])]);
    // In a scope of its own, as a norm of the checkpoint would be.
    const normed = builder.scope(`${stream}.norm`, () => builder.op('LayerNormalization', [hidden, ones]));
    builder.output(builder.op('Gemm', [normed, parameter('down', [3, 2])]), 'float32', [1, 2], `${stream}_out`);
  }
  const graph = canonicalize(builder.build());
  expect(nameMap(graph).map(({ parameter }) => parameter)).not.toContain('a.norm.weight');
  const groups = couple(graph).groups.map(({ id, size }) => [id, size]);
  expect(groups).toEqual([
    ['a.up.weight:1', 3],
    ['b.up.weight:1', 3],
  ]);
});
