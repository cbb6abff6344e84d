import type { Json, Shapes } from '../expressible-config.js';
import type { Depths, UNet2DConditionConfig } from './config.js';

/** The fields that a pruned model may have changed, read off its tensors. */
export function changedFields(config: UNet2DConditionConfig, shapes: Shapes): Json {
  const { stages } = config;
  const has = (prefix: string) => [...shapes.keys()].some((name) => name.startsWith(`${prefix}.`));
  const widths = stages.map(
    ({ channels, layers }, i) => shapes.get(`down_blocks.${i}.resnets.${layers - 1}.conv2.weight`)?.[0] ?? channels,
  );
  const timeWidth = shapes.get('time_embedding.linear_2.weight')?.[0];
  const usual = widths[0]! * 4;
  const changed: Record<string, unknown> = {
    block_out_channels: widths,
    // Heads keep their width: a narrower stage has fewer of them.
    attention_head_dim: stages.map(({ channels, heads }, i) =>
      Math.max(1, Math.floor((widths[i]! * heads) / channels)),
    ),
    down_block_types: config.down_block_types.map((_, i) =>
      has(`down_blocks.${i}.attentions`) ? 'CrossAttnDownBlock2D' : 'DownBlock2D',
    ),
    up_block_types: config.up_block_types.map((_, i) =>
      has(`up_blocks.${i}.attentions`) ? 'CrossAttnUpBlock2D' : 'UpBlock2D',
    ),
    ...changedDepths(config, shapes),
  };
  if (timeWidth !== undefined && timeWidth !== (config.time_embedding_dim ?? usual))
    changed.time_embedding_dim = timeWidth;
  if (!has('mid_block')) changed.mid_block_type = null;
  else if (!has('mid_block.attentions') && !has('mid_block.resnets.1')) changed.mid_block_type = 'UNetMidBlock2D';
  return changed;
}

/** The depths of the transformers, when they are others than the configuration's. */
function changedDepths(config: UNet2DConditionConfig, shapes: Shapes): Json {
  const last = config.stages.length - 1;
  const down = config.stages.map(({ downDepths }, i) => depthsIn(`down_blocks.${i}`, downDepths, shapes));
  const up = config.stages.map(({ upDepths }, i) => depthsIn(`up_blocks.${last - i}`, upDepths, shapes));
  const same = config.stages.every(
    ({ downDepths, upDepths }, i) => downDepths.join() === down[i]!.join() && upDepths.join() === up[i]!.join(),
  );
  if (same) return {};
  return {
    transformer_layers_per_block: down.map(oneWhereEqual),
    reverse_transformer_layers_per_block: up.reverse().map(oneWhereEqual),
  };
}

/** Transformer blocks left in each attention of a block; the configuration's where the block has no attentions. */
function depthsIn(block: string, configured: readonly number[], shapes: Shapes): number[] {
  const names = [...shapes.keys()].filter((name) => name.startsWith(`${block}.attentions.`));
  if (names.length === 0) return [...configured];
  return configured.map((_, i) => {
    const indices = names.flatMap((name) => {
      const found = name.slice(block.length).match(/^\.attentions\.(\d+)\.transformer_blocks\.(\d+)\./);
      return found && Number(found[1]) === i ? [found[2]] : [];
    });
    return new Set(indices).size;
  });
}

function oneWhereEqual(depths: readonly number[]): Depths {
  return depths.every((depth) => depth === depths[0]) ? depths[0]! : [...depths];
}
