import {
  constantOf,
  float,
  float32,
  type Graph,
  GraphBuilder,
  int,
  ints,
  parameterNamed,
  sizeOf,
  string,
  symbol,
} from '../../src/index.js';
import { randomSource } from '../random-graph.js';

/** A random U-Net of residual branches: what it is made of, so that it can be built again without some of them. */
export interface Net {
  readonly seed: number;
  readonly down: readonly Block[];
  readonly up: readonly Block[];
}

export interface Block {
  readonly name: string;
  /** Width of what the block gives. */
  readonly width: number;
  /** Layers inside a residual connection of their own, behind the first branch. */
  readonly inner: number;
  /** What the sum is divided by. */
  readonly scale: number;
  /** Whether height and width halve (on the way down) or double (on the way up) behind it. */
  readonly resample: boolean;
}

/** How a branch is left out: by name. */
export type Left = ReadonlyMap<string, 'input' | 'shortcut' | 'pass'>;

export function randomNet(seed: number): Net {
  const random = randomSource(seed);
  const size = 1 + Math.floor(random() * 4);
  const block = (name: string, resample: boolean): Block => ({
    name,
    width: random() < 0.75 ? 2 : 4,
    inner: random() < 0.6 ? 0 : 1 + Math.floor(random() * 2),
    scale: random() < 0.15 ? 2 : 1,
    resample,
  });
  // At most two halvings: the input is 8 x 8.
  const resamples = Array.from({ length: size }, (_, i) => i % 2 === 1 && random() < 0.6);
  return {
    seed,
    down: resamples.map((resample, i) => block(`down.${i}`, resample)),
    up: [...resamples].reverse().map((resample, i) => block(`up.${i}`, resample)),
  };
}

interface Stream {
  readonly value: string;
  readonly width: number;
}

/** Builds the net, without the branches that `left` names. */
export function buildNet(net: Net, left: Left = new Map()): Graph {
  return new Builder(net, left).build();
}

class Builder {
  private readonly b = new GraphBuilder('net');

  constructor(
    private readonly net: Net,
    private readonly left: Left,
  ) {}

  build(): Graph {
    const size = [symbol('batch'), 2, symbol('height'), symbol('width')];
    const x = this.b.input('x', 'float32', size);
    let stream = this.conv('first', { value: x, width: 2 }, this.net.down[0]!.width);
    const skips: Stream[] = [];
    for (const block of this.net.down) {
      stream = this.block(block, stream);
      skips.push(stream);
      if (block.resample) stream = this.conv(`${block.name}_half`, stream, stream.width, 2);
    }
    for (const block of this.net.up) {
      if (block.resample) stream = this.twice(stream);
      const skip = skips.pop()!;
      const value = this.b.op('Concat', [stream.value, skip.value], { axis: int(1) });
      stream = this.block(block, { value, width: stream.width + skip.width }, stream);
    }
    const last = this.conv('last', stream, 2);
    this.b.output(last.value, 'float32', size, 'out');
    return this.b.build();
  }

  /** A branch beside its input or a shortcut; then a residual connection around layers with their own. */
  private block(block: Block, x: Stream, passed?: Stream): Stream {
    return this.b.scope(block.name, () => {
      let out = this.b.scope('first', () => this.branch(`${block.name}.first`, block, x, passed));
      const name = `${block.name}.nest`;
      if (block.inner === 0 || this.left.has(name)) return out;
      out = this.b.scope('nest', () => {
        let inside = this.conv(`${name}.in`, out, out.width);
        for (let i = 0; i < block.inner; i++) {
          inside = this.b.scope(`layer${i}`, () =>
            this.left.has(`${name}.layer${i}`)
              ? inside
              : this.add(inside, this.layers(`${name}.layer${i}`, inside, inside.width)),
          );
        }
        return this.add(out, this.conv(`${name}.out`, inside, out.width));
      });
      return out;
    });
  }

  private branch(name: string, block: Block, x: Stream, passed?: Stream): Stream {
    const left = this.left.get(name);
    const divided = ({ value, width }: Stream): Stream =>
      block.scale === 1 ? { value, width } : { value: this.b.op('Div', [value, this.b.scalar(block.scale)]), width };
    if (left === 'pass') return divided(passed!);
    const shortcut = x.width === block.width ? x : this.conv(`${name}.shortcut`, x, block.width);
    if (left) return divided(shortcut);
    return divided(this.add(shortcut, this.layers(name, x, block.width)));
  }

  private layers(name: string, x: Stream, width: number): Stream {
    const normed = this.b.op(
      'GroupNormalization',
      [x.value, this.weight(`${name}.norm.weight`, x.width), this.weight(`${name}.norm.bias`, x.width)],
      {
        num_groups: int(2),
        epsilon: float(1e-5),
      },
    );
    const active = this.b.op('Mul', [normed, this.b.op('Sigmoid', [normed])]);
    const hidden = this.conv(`${name}.conv1`, { value: active, width: x.width }, width);
    return this.conv(`${name}.conv2`, { value: this.b.op('Tanh', [hidden.value]), width }, width);
  }

  private add(a: Stream, b: Stream): Stream {
    return { ...a, value: this.b.op('Add', [a.value, b.value]) };
  }

  private twice({ value, width }: Stream): Stream {
    const scales = this.b.tensor(float32([4], [1, 1, 2, 2]));
    const attributes = {
      mode: string('nearest'),
      coordinate_transformation_mode: string('asymmetric'),
      nearest_mode: string('floor'),
    };
    return { value: this.b.op('Resize', [value, '', scales], attributes), width };
  }

  private conv(name: string, x: Stream, width: number, stride: 1 | 2 = 1): Stream {
    const inputs = [x.value, this.weight(`${name}.weight`, width, x.width, 3, 3), this.weight(`${name}.bias`, width)];
    const attributes = { kernel_shape: ints([3, 3]), pads: ints([1, 1, 1, 1]), strides: ints([stride, stride]) };
    return { value: this.b.op('Conv', inputs, attributes), width };
  }

  private weight(name: string, ...shape: number[]): string {
    const random = randomSource(
      [...name].reduce((sum, letter) => Math.imul(sum, 31) + letter.charCodeAt(0), this.net.seed),
    );
    const scale = shape.length > 1 ? Math.sqrt(3 / sizeOf(shape.slice(1))) : 0.5;
    const values = Float32Array.from({ length: sizeOf(shape) }, () => (2 * random() - 1) * scale);
    return this.b.constant(name, constantOf(float32(shape, values), parameterNamed(name, shape)));
  }
}
