import { depthOf, widthOf } from '../blocks/depths.js';
import type { Json, Shapes } from '../expressible-config.js';
import type { UNet2DConfig } from './config.js';

/** The fields that a pruned model may have changed, read off its tensors. */
export function changedFields(config: UNet2DConfig, shapes: Shapes): Json {
  const names = [...shapes.keys()];
  const has = (prefix: string) => names.some((name) => name.startsWith(`${prefix}.`));
  const depth = depthOf(shapes, config.block_out_channels.length);
  const skipped = config.block_out_channels.length - depth.stages;
  const widths = config.block_out_channels.slice(0, depth.stages).map((width, i) => widthOf(shapes, i) ?? width);
  const changed: Partial<UNet2DConfig> = { block_out_channels: widths };
  // One number for all stages: where they have different ones, no configuration says it.
  const [layers] = depth.layers;
  if (layers !== config.layers_per_block) changed.layers_per_block = layers;
  const timeWidth = shapes.get('time_embedding.linear_2.weight')?.[0];
  if (timeWidth !== undefined && timeWidth !== (config.time_embedding_dim ?? widths[0]! * 4)) {
    changed.time_embedding_dim = timeWidth;
  }
  if (config.mid_block_type && !has('mid_block')) changed.mid_block_type = null;
  else if (config.add_attention && !has('mid_block.attentions')) changed.add_attention = false;
  const plainDown = config.downsample_type === 'resnet' ? 'ResnetDownsampleBlock2D' : 'DownBlock2D';
  const plainUp = config.upsample_type === 'resnet' ? 'ResnetUpsampleBlock2D' : 'UpBlock2D';
  changed.down_block_types = config.down_block_types
    .slice(0, depth.stages)
    .map((type, i) => (type === 'AttnDownBlock2D' && !has(`down_blocks.${i}.attentions`) ? plainDown : type));
  changed.up_block_types = config.up_block_types
    .slice(skipped)
    .map((type, i) => (type === 'AttnUpBlock2D' && !has(`up_blocks.${i + skipped}.attentions`) ? plainUp : type));
  return { ...changed };
}
