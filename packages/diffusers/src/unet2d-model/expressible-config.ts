import { type Graph, SecateurError } from '@secateur/graph';
import { isEmptyOverrides } from '../overrides.js';
import { overridesOf, shapesOf } from '../structure.js';
import { newAttentionNames } from './attention-block.js';
import { parseUNet2DConfig, type UNet2DConfig } from './config.js';
import { outlineUNet2D } from './unet-2d-model.js';

type Json = Readonly<Record<string, unknown>>;

/**
 * A configuration of the class that has exactly the widths, heads, scales and norm groups of `graph`, if there is one:
 * then stock diffusers loads the pruned model. The one the model came with, when nothing changed.
 *
 * @param json  the configuration of the model before it was pruned
 */
export function expressibleUNet2D(json: Json, graph: Graph): Json | undefined {
  if (expresses(json, graph)) return json;
  const candidate = { ...json, ...changedFields(parseUNet2DConfig(json), graph) };
  return expresses(candidate, graph) && samePositions(json, candidate) ? candidate : undefined;
}

function expresses(json: Json, graph: Graph): boolean {
  let outline: Graph;
  try {
    outline = outlineUNet2D(json);
  } catch (error) {
    if (error instanceof SecateurError && error.code === 'BAD_CONFIG') return false;
    throw error;
  }
  const own = new Map([...shapesOf(graph)].map(([name, shape]) => [newAttentionNames(name), shape]));
  const expected = shapesOf(outline);
  if (own.size !== expected.size) return false;
  for (const [name, shape] of expected) if (own.get(name)?.join() !== shape.join()) return false;
  return isEmptyOverrides(overridesOf(graph, outline));
}

/** The sines of a timestep depend on how many there are: another first width would be another function. */
function samePositions(before: Json, after: Json): boolean {
  const [a, b] = [parseUNet2DConfig(before), parseUNet2DConfig(after)];
  return a.time_embedding_type !== 'positional' || a.block_out_channels[0] === b.block_out_channels[0];
}

/** The fields that could differ, read off the tensors. */
function changedFields(config: UNet2DConfig, graph: Graph): Partial<UNet2DConfig> {
  const shapes = shapesOf(graph);
  const names = [...shapes.keys()];
  const has = (prefix: string) => names.some((name) => name.startsWith(`${prefix}.`));
  const widths = config.block_out_channels.map(
    (width, i) => shapes.get(`down_blocks.${i}.resnets.${config.layers_per_block - 1}.conv2.weight`)?.[0] ?? width,
  );
  const changed: Partial<UNet2DConfig> = { block_out_channels: widths };
  const timeWidth = shapes.get('time_embedding.linear_2.weight')?.[0];
  if (timeWidth !== undefined && timeWidth !== (config.time_embedding_dim ?? widths[0]! * 4)) {
    changed.time_embedding_dim = timeWidth;
  }
  if (config.mid_block_type && !has('mid_block')) changed.mid_block_type = null;
  else if (config.add_attention && !has('mid_block.attentions')) changed.add_attention = false;
  const plainDown = config.downsample_type === 'resnet' ? 'ResnetDownsampleBlock2D' : 'DownBlock2D';
  const plainUp = config.upsample_type === 'resnet' ? 'ResnetUpsampleBlock2D' : 'UpBlock2D';
  changed.down_block_types = config.down_block_types.map((type, i) =>
    type === 'AttnDownBlock2D' && !has(`down_blocks.${i}.attentions`) ? plainDown : type,
  );
  changed.up_block_types = config.up_block_types.map((type, i) =>
    type === 'AttnUpBlock2D' && !has(`up_blocks.${i}.attentions`) ? plainUp : type,
  );
  return changed;
}
