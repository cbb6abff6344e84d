import { int } from '@secateur/graph';
import { free, type ModuleBuilder } from '../module-builder.js';
import type { Heads } from './attention.js';

const theta = 10_000;

/**
 * Rotary embedding of the current attention: pair `j` of a head's channels, `2 j` and `2 j + 1`, is turned by an angle that
 * is a position times the pair's frequency. Each pair belongs to one of the axes that positions have.
 *
 * Frequencies are a computed buffer `rope` `[axes, pairs]` of each attention, so that each may lose pairs of its own. A
 * turned head has the pairs' first channels before the second ones: scores sum over all, whatever their order.
 *
 * @param ids  float32 `[tokens, axes]`
 * @param axes  channels of a head that belong to each axis, even numbers
 */
export function rotary(m: ModuleBuilder, ids: string, axes: readonly number[]): (x: Heads) => Heads {
  const { graph } = m;
  const pairs = axes.reduce((sum, dim) => sum + dim, 0) / 2;
  const rope = m.computedBuffer('rope', [axes.length, free(pairs)], () => ropeOf(axes));
  // Written when they are first read: units are named after what comes first, and that shall be a projection.
  let waves: readonly [cos: string, sin: string] | undefined;
  const makeWaves = (): readonly [cos: string, sin: string] => {
    const angles = graph.op('Unsqueeze', [graph.op('MatMul', [ids, rope.name]), graph.ints([1])]);
    return [graph.op('Cos', [angles]), graph.op('Sin', [angles])];
  };
  const end = 2 ** 31 - 1;
  const every = (x: string, start: number): string =>
    graph.op('Slice', [x, graph.ints([start]), graph.ints([end]), graph.ints([3]), graph.ints([2])]);
  return (x) => {
    if (x.dim !== 2 * rope.shape[1]!) {
      m.problem(`${m.path}.rope has ${rope.shape[1]} pairs, heads have ${x.dim} channels`);
    }
    waves ??= makeWaves();
    const [cos, sin] = waves;
    const [a, b] = [every(x.value, 0), every(x.value, 1)];
    const first = graph.op('Sub', [graph.op('Mul', [a, cos]), graph.op('Mul', [b, sin])]);
    const second = graph.op('Add', [graph.op('Mul', [b, cos]), graph.op('Mul', [a, sin])]);
    return { ...x, value: graph.op('Concat', [first, second], { axis: int(3) }) };
  };
}

/** `[axes, pairs]`: `theta^(-2 i / dim)` in the row of the pair's axis, which it is number `i` of; 0 in the others. */
export function ropeOf(axes: readonly number[]): Float32Array {
  const pairs = axes.reduce((sum, dim) => sum + dim, 0) / 2;
  const rope = new Float32Array(axes.length * pairs);
  let first = 0;
  axes.forEach((dim, axis) => {
    for (let i = 0; i < dim / 2; i++) rope[axis * pairs + first + i] = theta ** ((-2 * i) / dim);
    first += dim / 2;
  });
  return rope;
}
