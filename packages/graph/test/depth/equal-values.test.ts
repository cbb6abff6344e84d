import { expect, it } from 'vitest';
import { equalsOf, originOf } from '../../src/depth/equal-values.js';
import { GraphIndex } from '../../src/depth/graph-index.js';
import { constantOf, float32 } from '../../src/index.js';
import { TinyGraph } from '../tiny-graphs.js';

it('sees through Identity, products with one and divisions by one, and nothing else', () => {
  const t = new TinyGraph();
  const x = t.image(2);
  const one = t.b.scalar(1);
  const same = t.b.op('Identity', [t.b.op('Mul', [one, t.b.op('Div', [x, one])])]);
  const half = t.b.op('Div', [same, t.b.scalar(2)]);
  const inverse = t.b.op('Div', [one, half]);
  const ones = t.b.op('Mul', [x, t.b.constant('ones', constantOf(float32([1, 1, 1, 1], [1])))]);
  const index = new GraphIndex(t.end(t.b.op('Add', [inverse, ones]), 2));
  const [from, to] = [index.number(x), index.number(same)];
  expect([to, index.number(half), index.number(inverse), index.number(ones)].map((v) => originOf(index, v))).toEqual([
    from,
    index.number(half),
    index.number(inverse),
    index.number(ones),
  ]);
  expect(equalsOf(index, from)).toHaveLength(4);
  expect(equalsOf(index, from)).toContain(to);
});
