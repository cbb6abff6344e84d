import { int, symbol } from '@secateur/graph';
import type { Rows } from '../layers/linear.js';
import { sinusoid, timestepEmbedding } from '../layers/timestep-embedding.js';
import type { ModuleBuilder } from '../module-builder.js';
import type { UNet2DConditionConfig } from './config.js';

/** Width of the pooled text embedding of SDXL's second text encoder, and of all models that were made from it. */
const sdxlTextWidth = 1280;

/** Sizes and crop that SDXL is told; the refiner has 5. */
const usualTimeIds = 6;

/**
 * Adds the embedding of pooled text and picture sizes to the timestep's, for `addition_embed_type: 'text_time'`.
 *
 * Adds the inputs `text_embeds` `[batch, text width]` and `time_ids` `[batch, ids]`. The configuration gives the sum of
 * their widths alone: the text's is 1280 where that leaves a whole number of ids, otherwise what six ids leave.
 */
export function addTextAndTime(m: ModuleBuilder, temb: Rows, config: UNet2DConditionConfig): Rows {
  if (config.addition_embed_type === null) return temb;
  const { graph } = m;
  const batch = symbol('batch');
  const each = config.addition_time_embed_dim!;
  const total = config.projection_class_embeddings_input_dim!;
  const ids = timeIds(total, each);
  const textWidth = total - ids * each;
  if (textWidth < 1) m.problem(`add_embedding has ${total} inputs, fewer than ${ids} time ids of ${each} take`);

  const text = graph.input('text_embeds', 'float32', [batch, textWidth]);
  const timeIdsInput = graph.input('time_ids', 'float32', [batch, ids]);
  const times = m.at('add_time_proj', () => {
    const waves = sinusoid(m, timeIdsInput, each, config);
    return graph.op('Reshape', [waves.value, graph.ints([0, ids * each])]);
  });
  const both = graph.op('Concat', [text, times], { axis: int(-1) });
  const added = timestepEmbedding(m, 'add_embedding', { value: both, width: total }, temb.width);
  if (added.width !== temb.width) m.problem(`add_embedding has ${added.width} channels, time_embedding ${temb.width}`);
  return { ...temb, value: graph.op('Add', [temb.value, added.value]) };
}

function timeIds(total: number, each: number): number {
  const left = total - sdxlTextWidth;
  return left > 0 && left % each === 0 ? left / each : usualTimeIds;
}
