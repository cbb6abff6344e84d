import { evaluateGraph, float32, GraphBuilder, symbol } from '@secateur/graph';
import { expect, it } from 'vitest';
import { comparedOutput } from '../../src/index.js';

function identityOf(channels: number) {
  const builder = new GraphBuilder('identity');
  const shape = [symbol('batch'), channels, 2];
  const x = builder.input('x', 'float32', shape);
  builder.output(builder.op('Identity', [x]), 'float32', shape, 'out');
  return builder.build();
}

it('takes the first channels of an output that has more than the target', () => {
  const { graph, output } = comparedOutput(identityOf(4), 3);
  expect(output.shape.slice(1)).toEqual([3, 2]);
  const x = float32([1, 4, 2], [0, 1, 2, 3, 4, 5, 6, 7]);
  expect([...(evaluateGraph(graph, { x })[output.name]!.data as Float32Array)]).toEqual([0, 1, 2, 3, 4, 5]);
});

it('leaves a graph alone whose output is as wide as the target, or when the target is not known', () => {
  const graph = identityOf(3);
  expect(comparedOutput(graph, 3)).toEqual({ graph, output: graph.outputs[0] });
  expect(comparedOutput(graph, undefined).graph).toBe(graph);
});
