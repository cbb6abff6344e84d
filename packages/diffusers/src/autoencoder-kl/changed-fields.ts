import type { Json, Shapes } from '../expressible-config.js';
import type { AutoencoderKLConfig } from './config.js';

/** The fields that a pruned model may have changed, read off its tensors. */
export function changedFields(config: AutoencoderKLConfig, shapes: Shapes): Json {
  const names = [...shapes.keys()];
  const has = (prefix: string) => names.some((name) => name.startsWith(`${prefix}.`));
  const layers = layersLeft(names);
  const changed: Partial<AutoencoderKLConfig> = {
    layers_per_block: layers,
    block_out_channels: config.block_out_channels.map(
      (width, i) => shapes.get(`encoder.down_blocks.${i}.resnets.${layers - 1}.conv2.weight`)?.[0] ?? width,
    ),
    down_block_types: config.down_block_types.map((type, i) =>
      has(`encoder.down_blocks.${i}.attentions`) ? type : 'DownEncoderBlock2D',
    ),
    up_block_types: config.up_block_types.map((type, i) =>
      has(`decoder.up_blocks.${i}.attentions`) ? type : 'UpDecoderBlock2D',
    ),
  };
  if (!has('encoder.mid_block.attentions') && !has('decoder.mid_block.attentions')) {
    changed.mid_block_add_attention = false;
  }
  return { ...changed };
}

/** One number serves all stages, and the decoder has one layer more. */
function layersLeft(names: readonly string[]): number {
  const indices = names.flatMap((name) => {
    const found = /^encoder\.down_blocks\.\d+\.resnets\.(\d+)\./.exec(name);
    return found ? [Number(found[1])] : [];
  });
  return Math.max(0, ...indices) + 1;
}
