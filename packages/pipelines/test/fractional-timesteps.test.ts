import { float32, GraphBuilder, int, symbol } from '@secateur/graph';
import { expect, it } from 'vitest';
import { withFractionalTimesteps } from '../src/fractional-timesteps.js';

function graphWith(build: (builder: GraphBuilder, timestep: string) => string) {
  const builder = new GraphBuilder('steps');
  const timestep = builder.input('timestep', 'int64', [symbol('batch')]);
  builder.output(build(builder, timestep), 'float32', [symbol('batch')], 'out');
  return builder.build();
}

const typeIn = (build: Parameters<typeof graphWith>[0]) =>
  withFractionalTimesteps(graphWith(build), 'timestep').inputs[0].dtype;
const onnx = { float: 1, double: 11 };

it('lets a timestep be a fraction where its whole numbers become float32 first', () => {
  expect(typeIn((b, t) => b.op('Cast', [t], { to: int(onnx.float) }))).toBe('float32');
  expect(typeIn((b, t) => b.op('Cast', [b.op('Unsqueeze', [t, b.ints([1])])], { to: int(onnx.float) }))).toBe(
    'float32',
  );
});

it('leaves it alone where anything else is done with them', () => {
  expect(typeIn((b, t) => b.op('Cast', [t], { to: int(onnx.double) }))).toBe('int64');
  expect(typeIn((b, t) => b.op('Cast', [b.op('Add', [t, b.ints([1])])], { to: int(onnx.float) }))).toBe('int64');
  expect(typeIn((b, t) => b.op('Gather', [b.tensor(float32([2], [1, 2])), t]))).toBe('int64');
  expect(typeIn((_, t) => t)).toBe('int64');
  const graph = graphWith((b, t) => b.op('Cast', [t], { to: int(onnx.float) }));
  expect(withFractionalTimesteps(graph, 'absent')).toBe(graph);
});
