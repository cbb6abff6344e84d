import { ints } from '@secateur/graph';
import { type Feature, free, type ModuleBuilder } from '../module-builder.js';
import { uniformInit } from '../tensor-spec.js';

export interface Conv2dOptions {
  /** Output channels by the configuration. */
  outChannels: number;
  /** Whether a pruned checkpoint may have another number of output channels. Default true. */
  prunable?: boolean;
  kernel: 1 | 3;
  /** Default 1. */
  stride?: 1 | 2;
  /** `[top, left, bottom, right]`. Default: keeps the size at stride 1. */
  pads?: readonly [number, number, number, number];
  /** Default true. */
  bias?: boolean;
}

/** Conv2d. `weight: [out, in, kernel, kernel]`, `bias: [out]`. */
export function conv2d(m: ModuleBuilder, path: string, x: Feature, options: Conv2dOptions): Feature {
  const { outChannels, prunable = true, kernel, stride = 1, bias = true } = options;
  const same = (kernel - 1) / 2;
  return m.at(path, () => {
    const init = uniformInit(x.channels * kernel * kernel);
    const weight = m.parameter(
      'weight',
      [prunable ? free(outChannels) : outChannels, x.channels, kernel, kernel],
      init,
    );
    const channels = weight.shape[0]!;
    const inputs = [x.value, weight.name];
    if (bias) inputs.push(m.parameter('bias', [channels], init).name);
    const value = m.graph.op('Conv', inputs, {
      kernel_shape: ints([kernel, kernel]),
      strides: ints([stride, stride]),
      pads: ints(options.pads ?? [same, same, same, same]),
    });
    return { value, channels, level: x.level + (stride === 2 ? 1 : 0) };
  });
}
