import { describe, expect, it } from 'vitest';
import { constantOf, defineOp, GraphBuilder, int64, ints, SecateurError, shapeText, symbol } from '../src/index.js';
import { inferTypes, unknownOps } from '../src/infer.js';
import { defaultOps, opSetOf, withOps } from '../src/ops/index.js';
import { weight } from './ops/case.js';

function linear(): GraphBuilder {
  const b = new GraphBuilder('linear');
  b.op('MatMul', [b.input('x', 'float32', [symbol('batch'), 3]), weight(b, 'w', [3, 2])], {}, { name: 'y' });
  return b;
}

const twice = defineOp({
  op: 'Twice',
  domain: 'my.domain',
  infer: (context) => [context.input(0)],
  slots: (context) => context.set(0, context.axes(0)),
  gradient: 'none',
  evaluate: (context) => [context.input(0)],
});

function thrown(run: () => unknown): SecateurError {
  try {
    run();
  } catch (error) {
    if (error instanceof SecateurError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('inferTypes', () => {
  it('computes with small constants: pads put together by Reshape, Slice and Transpose', () => {
    const b = new GraphBuilder('pads');
    const pairs = b.op('Reshape', [b.ints([0, 1, 0, 2, 0, 0, 0, 0]), b.ints([-1, 2])]);
    const last = b.ints([-1]);
    const reversed = b.op('Slice', [pairs, last, b.ints([-(2 ** 40)]), b.ints([0]), last]);
    const pads = b.op('Reshape', [b.op('Transpose', [reversed], { perm: ints([1, 0]) }), last]);
    b.op('Pad', [b.input('x', 'float32', [symbol('batch'), 2, symbol('h'), 3]), pads], {}, { name: 'y' });
    const types = inferTypes(b.build());
    expect(types.get(pads)!.elements).toEqual([0, 0, 0, 0, 0, 0, 2, 1]);
    expect(shapeText(types.get('y')!.shape)).toBe('[batch, 2, h+2, 4]');
  });

  it('gives every value a type: inputs, constants and outputs', () => {
    const types = inferTypes(linear().build());
    expect([...types].map(([name, { dtype, shape }]) => `${name} ${dtype} ${shapeText(shape)}`)).toEqual([
      'x float32 [batch, 3]',
      'w float64 [3, 2]',
      'y float32 [batch, 2]',
    ]);
  });

  it('takes other input types when told', () => {
    const inputs = new Map([['x', { dtype: 'float32', shape: [8, 3] } as const]]);
    expect(inferTypes(linear().build(), { inputs }).get('y')!.shape).toEqual([8, 2]);
  });

  it('fills the elements of short integer vectors only', () => {
    const b = new GraphBuilder('constants');
    b.constant('short', constantOf(int64([1, 2])));
    b.constant('scalar', constantOf({ dtype: 'int32', shape: [], data: Int32Array.of(5) }));
    b.constant('long', constantOf(int64(new Array<number>(65).fill(0))));
    b.constant('matrix', constantOf(int64([1, 2], [1, 2])));
    const types = inferTypes(b.build());
    expect(['short', 'scalar', 'long', 'matrix'].map((name) => types.get(name)!.elements)).toEqual([
      [1, 2],
      [5],
      undefined,
      undefined,
    ]);
  });

  it('lists all unknown operators at once, with a node and a count', () => {
    const b = linear();
    for (const op of ['Foo', 'Bar', 'Foo']) b.op(op, ['y']);
    b.op('Twice', ['y'], {}, { domain: 'my.domain' });
    expect(unknownOps(b.build()).map(({ op, node, count }) => [op, node, count])).toEqual([
      ['Foo', 'Foo', 2],
      ['Bar', 'Bar', 1],
      ['Twice', 'Twice', 1],
    ]);
    const error = thrown(() => inferTypes(b.build()));
    expect(error.code).toBe('UNKNOWN_OP');
    expect(error.message).toContain('Foo (2 nodes, first "Foo"), Bar (1 node, first "Bar"), my.domain.Twice');
  });

  it('says which node does not fit and how', () => {
    const b = linear();
    b.op('MatMul', ['y', weight(b, 'w2', [3, 4])], {}, { name: 'z' });
    const error = thrown(() => inferTypes(b.build()));
    expect([error.code, error.field]).toEqual(['SHAPE_MISMATCH', 'z']);
    expect(error.message).toContain('cannot multiply [batch, 2] by [3, 4]');
  });

  it('refuses a node that reads what nothing has made, or lacks an input', () => {
    const b = linear();
    b.op('MatMul', ['nothing', 'w']);
    expect(thrown(() => inferTypes(b.build())).message).toContain('reads "nothing"');
    const c = linear();
    c.op('MatMul', ['x', '']);
    expect(thrown(() => inferTypes(c.build())).message).toContain('needs input 1');
  });
});

describe('operator sets', () => {
  it('knows plugins by domain', () => {
    const b = linear();
    b.op('Twice', ['y'], {}, { domain: 'my.domain', name: 'z' });
    expect(inferTypes(b.build(), { ops: withOps(defaultOps, [twice]) }).get('z')!.shape[1]).toBe(2);
  });

  it('refuses a second record of an operator', () => {
    expect(thrown(() => withOps(defaultOps, [{ ...twice, op: 'Conv', domain: '' }])).code).toBe('NAME_CLASH');
    expect(thrown(() => opSetOf([twice, twice])).code).toBe('NAME_CLASH');
  });

  it('has every record once, complete', () => {
    for (const [key, record] of defaultOps) {
      expect(key).toBe(`${record.domain ?? ''}:${record.op}`);
      expect(record.gradient === 'none' || typeof record.gradient === 'function').toBe(true);
    }
  });
});
