import type { Feature, ModuleBuilder } from '../module-builder.js';

/** Height and width that a model was made for. Without a `sample_size`, the smallest of 32 and more that fits its levels. */
export function sampleSizes(config: { sample_size: number | [number, number] | null; block_out_channels: number[] }): {
  height: number;
  width: number;
} {
  const { sample_size: size, block_out_channels: levels } = config;
  if (Array.isArray(size)) return { height: size[0], width: size[1] };
  const side = size ?? Math.max(32, 2 ** (levels.length - 1));
  return { height: side, width: side };
}

/** `2 x - 1`, for models that take pictures in 0..1. */
export function center(m: ModuleBuilder, x: Feature, config: { center_input_sample: boolean }): Feature {
  if (!config.center_input_sample) return x;
  const { graph } = m;
  const doubled = graph.op('Mul', [x.value, graph.scalar(2)]);
  return { ...x, value: graph.op('Sub', [doubled, graph.scalar(1)]) };
}
