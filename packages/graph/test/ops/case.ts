import { describe, expect, it } from 'vitest';
import { couple } from '../../src/coupling/groups.js';
import { dimText, shapeText } from '../../src/dim.js';
import { evaluateGraph } from '../../src/evaluate.js';
import type { Graph } from '../../src/graph.js';
import { constantOf, GraphBuilder, type OpRecord, parameterNamed, type Tensor, tensor } from '../../src/index.js';
import { inferTypes } from '../../src/infer.js';
import { countMacs } from '../../src/macs.js';
import { removeUnits } from '../../src/surgery/remove-units.js';
import { zeroUnits } from '../../src/surgery/zero-units.js';

/** One thing to check about one operator: whatever expectations are given are checked. */
export interface OpCase {
  readonly op: string;
  readonly name: string;
  readonly opset?: number;
  /** Writes the graph; the value to look at is named `y` (and `y.1`, … for further outputs). */
  build(b: GraphBuilder): void;
  /** Inputs by name; float64. */
  readonly feeds?: Readonly<Record<string, Tensor>>;
  /** Shape of `y`, `[batch, 4]`, or of all outputs when they are listed. */
  readonly shape?: string | readonly string[];
  /** Elements of `y` as dimensions. */
  readonly elements?: readonly string[];
  /** Values of `y`. */
  readonly values?: readonly number[];
  /** `[weights, products]` at batch 1. */
  readonly macs?: readonly [number, number];
  /**
   * Groups as `size x slice slice …`, each slice `tensor:axis` (times `perUnit` where that is not 1). Every group is also
   * cut: the smaller graph must agree with the zeroed one, since all operators here send zero to zero.
   */
  readonly groups?: readonly string[];
  /** Set where zeroing is not removing (a maximum, a division by a count). */
  readonly skipZeroing?: string;
}

/** Runs the cases, and fails when a record has no case for something that it describes. */
export function testOps(records: readonly OpRecord[], cases: readonly OpCase[]): void {
  for (const record of records) {
    const mine = cases.filter((one) => one.op === record.op);
    describe(record.op, () => {
      it('has a case for everything its record says', () => {
        expect(mine.some((one) => one.shape)).toBe(true);
        expect(mine.some((one) => one.values)).toBe(true);
        expect(mine.some((one) => one.groups)).toBe(true);
        expect(mine.some((one) => one.macs)).toBe(record.macs !== undefined);
      });
      for (const one of mine) it(one.name, () => check(one));
    });
  }
}

function check(one: OpCase): void {
  const graph = graphOf(one);
  const types = inferTypes(graph);
  if (one.shape !== undefined) {
    const shapes = [one.shape].flat();
    const names = shapes.map((_, k) => (k === 0 ? 'y' : `y.${k}`));
    expect(names.map((name) => shapeText(types.get(name)!.shape))).toEqual(shapes);
  }
  if (one.elements) expect(types.get('y')!.elements?.map(dimText)).toEqual(one.elements);
  if (one.values)
    expect(doubles(evaluateGraph(graph, one.feeds ?? {}).y!)).toEqual(
      one.values.map((value) => expect.closeTo(value, 10)),
    );
  if (one.macs) {
    const { weights, products } = countMacs(graph, { symbols: { height: 4, width: 4 } });
    expect([weights, products]).toEqual(one.macs);
  }
  if (one.groups) checkGroups(one, graph);
}

function checkGroups(one: OpCase, graph: Graph): void {
  const coupling = couple(graph);
  const described = coupling.groups.map(({ size, slices }) => {
    const parts = slices.map(
      ({ tensor: name, axis, perUnit }) => `${name}:${axis}${perUnit === 1 ? '' : `*${perUnit}`}`,
    );
    return `${size}x ${parts.join(' ')}`;
  });
  expect(described).toEqual(one.groups);
  for (const group of coupling.groups) {
    const removal = new Map([[group.id, [group.size - 1]]]);
    const smaller = removeUnits(coupling, removal).graph;
    inferTypes(smaller);
    if (!one.feeds || one.skipZeroing) continue;
    const cut = evaluateGraph(smaller, one.feeds).y;
    const zeroed = evaluateGraph(zeroUnits(coupling, removal), one.feeds).y;
    expect(cut.shape).toEqual(zeroed.shape);
    expect(doubles(cut)).toEqual(doubles(zeroed).map((value) => expect.closeTo(value, 10)));
  }
}

export function graphOf(one: Pick<OpCase, 'build' | 'opset'>): Graph {
  const b = new GraphBuilder('case', one.opset ?? 18);
  one.build(b);
  const graph = b.build();
  const type = inferTypes(graph).get('y')!;
  return { ...graph, outputs: [{ name: 'y', dtype: type.dtype, shape: type.shape }] };
}

/** The values at their own precision. */
function doubles(value: Tensor): number[] {
  return Array.from(value.data, Number);
}

/** A float64 tensor of given values. */
export function values(shape: readonly number[], data: readonly number[]): Tensor {
  return tensor('float64', shape, Float64Array.from(data));
}

/** A float64 tensor of repeatable values in (-1, 1), none of them near 0. */
export function noise(shape: readonly number[], seed = 1): Tensor {
  const size = shape.reduce((product, dim) => product * dim, 1);
  let state = seed * 2654435761;
  const next = () => {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 3266489917) >>> 0;
    return state / 2 ** 32;
  };
  for (let i = 0; i < 8; i++) next();
  return values(
    shape,
    Array.from({ length: size }, () => (next() < 0.5 ? -1 : 1) * (0.1 + 0.9 * next())),
  );
}

/** A parameter of repeatable values. */
export function weight(b: GraphBuilder, name: string, shape: readonly number[], data?: readonly number[]): string {
  const value = data ? values(shape, data) : noise(shape, name.length + shape.length + sizeSum(shape));
  return b.constant(name, constantOf(value, parameterNamed(name, shape)));
}

function sizeSum(shape: readonly number[]): number {
  return shape.reduce((sum, dim) => sum * 3 + dim, 7);
}
