import { constantOf, float32, GraphBuilder, ints, parameterNamed, sizeOf, symbol } from '@secateur/graph';
import type { Model } from '../../src/index.js';

/**
 * Residual branches of 1 x 1 convolutions on 4 x 4 pixels of two channels: `blocks.0.a` and `blocks.0.b` of two hidden
 * channels, `blocks.1.a` and `blocks.1.b` of three; every weight of them is 1, 2, 3 or 4 in that order. Then `up` over the
 * concatenation with what the first convolution made, beside a shortcut; its weights are 5.
 */
export function deepModel(): Model {
  const b = new GraphBuilder('deep');
  const image = [symbol('batch'), 2, symbol('height'), symbol('width')];
  const conv = (name: string, x: string, from: number, to: number, value: number): string => {
    const shape = [to, from, 1, 1];
    const tensor = float32(shape, new Float32Array(sizeOf(shape)).fill(value));
    return b.op(
      'Conv',
      [x, b.constant(`${name}.weight`, constantOf(tensor, parameterNamed(`${name}.weight`, shape)))],
      {
        kernel_shape: ints([1, 1]),
      },
    );
  };
  const branch = (name: string, x: string, from: number, hidden: number, value: number): string =>
    conv(`${name}.out`, b.op('Tanh', [conv(`${name}.in`, x, from, hidden, value)]), hidden, 2, value);
  const first = conv('first', b.input('x', 'float32', image), 2, 2, 1);
  let x = first;
  [0, 1].forEach((i) => {
    b.scope(`blocks.${i}`, () => {
      for (const [at, name] of ['a', 'b'].entries())
        x = b.op('Add', [x, branch(`blocks.${i}.${name}`, x, 2, 2 + i, 1 + 2 * i + at)]);
    });
  });
  x = b.scope('up', () => {
    const both = b.op('Concat', [x, first], { axis: { type: 'int', value: 1 } });
    return b.op('Add', [conv('up.shortcut', both, 4, 2, 5), branch('up', both, 4, 2, 5)]);
  });
  b.output(conv('last', x, 2, 2, 1), 'float32', image, 'out');
  return {
    name: 'deep',
    graph: b.build(),
    format: 'test',
    sizes: { height: 4, width: 4 },
    files: async () => [{ name: 'deep', sha256: '0'.repeat(64) }],
  };
}
