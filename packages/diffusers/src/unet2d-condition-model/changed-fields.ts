import { depthOf, oneWhereEqual, type UNetDepth, widthOf } from '../blocks/depths.js';
import type { Json, Shapes } from '../expressible-config.js';
import type { UNet2DConditionConfig } from './config.js';

/** The fields that a pruned model may have changed, read off its tensors. */
export function changedFields(config: UNet2DConditionConfig, shapes: Shapes): Json {
  const depth = depthOf(shapes, config.stages.length);
  const stages = config.stages.slice(0, depth.stages);
  const has = (prefix: string) => [...shapes.keys()].some((name) => name.startsWith(`${prefix}.`));
  const widths = stages.map(({ channels }, i) => widthOf(shapes, i) ?? channels);
  const timeWidth = shapes.get('time_embedding.linear_2.weight')?.[0];
  const usual = widths[0]! * 4;
  const skipped = config.stages.length - depth.stages;
  const changed: Record<string, unknown> = {
    block_out_channels: widths,
    ...perStage(config, depth, widths),
    down_block_types: stages.map((_, i) =>
      has(`down_blocks.${i}.attentions`) ? 'CrossAttnDownBlock2D' : 'DownBlock2D',
    ),
    up_block_types: stages.map((_, i) =>
      has(`up_blocks.${i + skipped}.attentions`) ? 'CrossAttnUpBlock2D' : 'UpBlock2D',
    ),
    ...changedDepths(config, depth),
  };
  if (timeWidth !== undefined && timeWidth !== (config.time_embedding_dim ?? usual))
    changed.time_embedding_dim = timeWidth;
  if (!has('mid_block')) changed.mid_block_type = null;
  else if (!has('mid_block.attentions') && !has('mid_block.resnets.1')) changed.mid_block_type = 'UNetMidBlock2D';
  return changed;
}

/** Fields of one value for every stage: the configuration's own where nothing changed. */
function perStage(config: UNet2DConditionConfig, depth: UNetDepth, widths: readonly number[]): Json {
  const stages = config.stages.slice(0, depth.stages);
  const changed: Record<string, unknown> = {};
  const set = <T>(field: string, before: readonly T[], now: readonly T[]): void => {
    if (now.length < before.length || now.some((value, i) => value !== before[i])) changed[field] = oneWhereEqual(now);
  };
  const all = <T>(of: (stage: UNet2DConditionConfig['stages'][number]) => T): T[] => config.stages.map(of);
  set(
    'layers_per_block',
    all(({ layers }) => layers),
    depth.layers,
  );
  // Heads keep their width: a narrower stage has fewer of them.
  set(
    'attention_head_dim',
    all(({ heads }) => heads),
    stages.map(({ channels, heads }, i) => Math.max(1, Math.floor((widths[i]! * heads) / channels))),
  );
  set(
    'cross_attention_dim',
    all(({ textWidth }) => textWidth),
    stages.map(({ textWidth }) => textWidth),
  );
  const onlyCross = stages.map(({ onlyCrossAttention }) => onlyCrossAttention);
  set(
    'only_cross_attention',
    all(({ onlyCrossAttention }) => onlyCrossAttention),
    onlyCross,
  );
  return changed;
}

/**
 * The depths of the transformers, when they are others than the configuration's. Where a block has no attentions they mean
 * nothing, and stay.
 */
function changedDepths(config: UNet2DConditionConfig, depth: UNetDepth): Json {
  const { transformer_layers_per_block: given, reverse_transformer_layers_per_block: reversed } = config;
  const stages = config.stages.slice(0, depth.stages);
  const left = (now: readonly number[], before: readonly number[], layers: number) =>
    now.length > 0 ? [...now] : before.slice(0, layers);
  const down = stages.map(({ downDepths }, i) => left(depth.down[i]!, downDepths, depth.layers[i]!));
  const up = stages.map(({ upDepths }, i) => left(depth.up[i]!, upDepths, depth.layers[i]! + 1));
  const same = stages.every(
    ({ downDepths, upDepths }, i) =>
      down[i]!.every((number) => number === downDepths[0]) && up[i]!.every((number) => number === upDepths[0]),
  );
  const isUniform = !reversed && (!Array.isArray(given) || given.every((entry) => !Array.isArray(entry)));
  if (same && isUniform) {
    const isShorter = Array.isArray(given) && stages.length < given.length;
    return isShorter ? { transformer_layers_per_block: given.slice(0, stages.length) } : {};
  }
  const untouched = stages.every(
    ({ downDepths, upDepths }, i) => downDepths.join() === down[i]!.join() && upDepths.join() === up[i]!.join(),
  );
  if (untouched && stages.length === config.stages.length) return {};
  return {
    transformer_layers_per_block: down.map((depths) => oneWhereEqual(depths)),
    reverse_transformer_layers_per_block: up.reverse().map((depths) => oneWhereEqual(depths)),
  };
}
