import { type Constant, constantOf, float32, GraphBuilder, int64 } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { weightsFrom } from '../src/index.js';
import { free, ModuleBuilder } from '../src/module-builder.js';

const init = { kind: 'constant', value: 0 } as const;

function builder(tensors: Record<string, Constant>, options = {}): ModuleBuilder {
  return new ModuleBuilder(new GraphBuilder('test'), weightsFrom(new Map(Object.entries(tensors)), 'w'), {}, options);
}

const zeros = (...shape: number[]): Constant =>
  constantOf(float32(shape, new Float32Array(shape.reduce((a, b) => a * b, 1))));

describe('ModuleBuilder', () => {
  it('takes free widths from the weights, and from the configuration when strict', () => {
    const tensors = { 'a.b.weight': zeros(3, 2) };
    const ask = (m: ModuleBuilder) => m.at('a', () => m.at('b', () => m.parameter('weight', [free(5), 2], init)));
    const m = builder(tensors);
    expect(ask(m)).toEqual({ name: 'a.b.weight', shape: [3, 2] });
    m.finish();
    const strict = builder(tensors, { strict: true });
    expect(ask(strict).shape).toEqual([5, 2]);
    expect(() => strict.finish()).toThrow(/a.b.weight has shape \[3, 2\], expected \[5, 2\]/);
  });

  it('counts the problems that it does not show', () => {
    const m = builder({});
    for (let i = 0; i < 8; i++) m.parameter(`t${i}`, [1], init);
    expect(() => m.finish()).toThrow(/t0 is missing; .*t4 is missing; and 3 more\.$/);
  });

  it('lets ignored tensors be', () => {
    const m = builder({ old: zeros(1) });
    m.ignore('old');
    expect(() => m.finish()).not.toThrow();
  });

  it('refuses integers', () => {
    const m = builder({ table: constantOf(int64([1])) });
    m.parameter('table', [1], init);
    expect(() => m.finish()).toThrow(
      expect.objectContaining({ code: 'BAD_FILE', message: expect.stringContaining('table is int64') }),
    );
  });

  it('brings half precision as float32, without loss', async () => {
    const half: Constant = constantOf({ dtype: 'float16', shape: [2], data: Uint16Array.of(0x3c00, 0xc000) });
    const m = builder({ half });
    m.parameter('half', [2], init);
    const constant = m.graph.constants.get('half')!;
    expect(constant.dtype).toBe('float32');
    expect((await constant.read()).data).toEqual(Float32Array.of(1, -2));
  });

  it('without weights, gives a graph whose values cannot be read', async () => {
    const m = new ModuleBuilder(new GraphBuilder('test'), undefined);
    m.parameter('t', [free(4)], init);
    expect(m.tensors()).toEqual([{ name: 't', shape: [4], init }]);
    await expect(m.graph.constants.get('t')!.read()).rejects.toMatchObject({ code: 'MISSING_NEED' });
  });
});
