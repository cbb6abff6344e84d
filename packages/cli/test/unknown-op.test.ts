import { writeFile } from 'node:fs/promises';
import { constantOf, float32, GraphBuilder, parameterNamed, toFloat32 } from '@secateur/graph';
import { encodeOnnx } from '@secateur/onnx';
import { seededTensor } from '@secateur/testkit';
import { expect, it } from 'vitest';
import { loadModel } from '../src/model/load-model.js';
import { join, scratch, secateur } from './run-cli.js';

/** Two linears around an operator that nobody knows. */
async function gatedModel(): Promise<string> {
  const b = new GraphBuilder('gated', 18);
  const weight = (name: string, seed: number) =>
    b.constant(name, constantOf(float32([8, 8], seededTensor(seed, [8, 8]).data), parameterNamed(name, [8, 8])));
  const hidden = b.op('MatMul', [b.input('x', 'float32', [2, 8]), weight('first.weight', 1)]);
  const gated = b.op('Gate', [hidden], {}, { domain: 'my.ops', name: 'gate' });
  b.output(b.op('MatMul', [gated, weight('second.weight', 2)], {}, { name: 'y' }), 'float32', [2, 8]);
  const path = join(scratch(), 'gated.onnx');
  await writeFile(path, await encodeOnnx({ ...b.build(), domains: { 'my.ops': 1 } }));
  return path;
}

it('inspects: parameters, what is known of the MACs, and the operator', async () => {
  const path = await gatedModel();
  const { code, stdout } = await secateur(['inspect', path, '--json']);
  expect(code).toBe(0);
  const { parameters, macs, groups, unknownOps, notPruned } = JSON.parse(stdout);
  expect({ parameters, macs, groups }).toEqual({ parameters: 128, macs: 128, groups: [] });
  expect(unknownOps).toEqual([{ op: 'Gate', domain: 'my.ops', node: expect.stringMatching(/gate/i), count: 1 }]);
  expect(notPruned[0].reason).toMatch(/operator my\.ops\.Gate of node ".*gate.*" is not known/i);
  const text = await secateur(['inspect', path]);
  expect(text.stdout).toContain('my.ops.Gate');
});

it.each([
  ['2:4', []],
  ['elements', ['--ratio', '0.5']],
])('zeroes weights by magnitude: %s', async (space, more) => {
  const path = await gatedModel();
  const out = scratch();
  const { code, stderr } = await secateur([
    ...['prune', path, '--method', 'magnitude', '--space', space, ...more, '--out', join(out, 'smaller')],
  ]);
  expect([code, stderr]).toEqual([0, expect.stringContaining('Gate')]);
  const { graph } = await loadModel(join(out, 'smaller', 'model.onnx'));
  expect(graph.nodes.map(({ op }) => op)).toEqual(['MatMul', 'Gate', 'MatMul']);
  for (const name of ['first.weight', 'second.weight']) {
    const values = toFloat32(await graph.constants.get(name)!.read());
    expect(values.filter((value) => value === 0)).toHaveLength(32);
  }
});

it('refuses to cut channels, and says what still works', async () => {
  const path = await gatedModel();
  const { code, stderr } = await secateur([
    'prune',
    path,
    '--method',
    'magnitude',
    '--ratio',
    '0.5',
    '--out',
    join(scratch(), 'no'),
  ]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/my\.ops\.Gate \(1 node, first ".*gate.*"\)/i);
  expect(stderr).toMatch(/zeroing single weights/);
});
