import { describe, expect, it } from 'vitest';
import { couple, evaluateGraph, float32, type Graph, gateUnits, type Tensor } from '../../src/index.js';
import { TinyGraph } from '../tiny-graphs.js';

/** `out = y + b(y)` with `y = x + a(x)`, both convolutions by 1 x 1 of two channels. */
function twoBranches(): Graph {
  const t = new TinyGraph();
  let value = t.image(2);
  for (const name of ['a', 'b']) {
    value = t.b.scope(name, () => t.b.op('Add', [value, t.conv(name, value, 2, 2)]));
  }
  return t.end(value, 2);
}

const bools = (...values: number[]): Tensor => ({
  dtype: 'bool',
  shape: [values.length],
  data: Uint8Array.from(values),
});

describe('gateUnits', () => {
  const graph = twoBranches();
  const coupling = couple(graph);
  const [input] = graph.inputs;
  const x = float32([1, 2, 1, 1], [1, -2]);
  const rows = (...all: Tensor[]): Tensor =>
    float32(
      [all.length, 2, 1, 1],
      all.flatMap(({ data }) => [...(data as Float32Array)]),
    );
  const run = (which: Graph, feeds: Record<string, Tensor>) => [
    ...(evaluateGraph(which, feeds)[graph.outputs[0]!.name]!.data as Float32Array),
  ];

  it('has one input for every unit, a number for every row', () => {
    const gated = gateUnits(coupling, graph, coupling.depth);
    expect(gated.gates).toEqual([
      { unit: 'a', input: 'secateur.gate.0', perRow: true },
      { unit: 'b', input: 'secateur.gate.1', perRow: true },
    ]);
    expect(gated.graph.inputs.slice(1).map(({ dtype, shape }) => [dtype, shape])).toEqual([
      ['bool', [input!.shape[0]]],
      ['bool', [input!.shape[0]]],
    ]);
    expect(gated.graph.outputs).toEqual(graph.outputs);
    const names = gated.graph.nodes.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  it('gives every row what its gates leave', () => {
    const { graph: gated } = gateUnits(coupling, graph, coupling.depth);
    const both = run(graph, { [input!.name]: x });
    const out = run(gated, {
      [input!.name]: rows(x, x, x),
      'secateur.gate.0': bools(1, 0, 0),
      'secateur.gate.1': bools(1, 1, 0),
    });
    expect(out.slice(0, 2)).toEqual(both);
    // Without both branches the input is left; without the first the second reads the input.
    expect(out.slice(4)).toEqual([1, -2]);
    expect(out.slice(2, 4)).not.toEqual(both);
    expect(out.slice(2, 4)).not.toEqual([1, -2]);
  });

  it('lets nothing through of what is off, not even NaN', () => {
    const { graph: gated } = gateUnits(coupling, graph, [coupling.depth[0]!]);
    const constants = new Map(gated.constants);
    for (const { value } of coupling.depth[0]!.slices) {
      const constant = constants.get(value)!;
      const data = new Float32Array(constant.shape.reduce((a, b) => a * b, 1)).fill(Number.NaN);
      constants.set(value, { ...constant, value: float32(constant.shape, data) });
    }
    const out = run({ ...gated, constants }, { [input!.name]: x, 'secateur.gate.0': bools(0) });
    expect(out.every(Number.isFinite)).toBe(true);
  });

  it('refuses a unit of another graph', () => {
    const other = { ...coupling.depth[0]!, bypasses: [{ value: 'nowhere', by: input!.name }] };
    expect(() => gateUnits(coupling, graph, [other])).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', field: 'nowhere' }),
    );
  });
});
