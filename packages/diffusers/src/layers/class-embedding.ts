import { int, symbol } from '@secateur/graph';
import { free, type ModuleBuilder } from '../module-builder.js';
import type { Activation } from './activation.js';
import { type Rows, tokenLinear } from './linear.js';
import { type TimeSettings, timeProjection, timestepEmbedding, timestepType } from './timestep-embedding.js';

/** The fields of a configuration that say how timestep and class are embedded. */
export interface EmbeddingSettings extends TimeSettings {
  class_embed_type: 'timestep' | 'identity' | 'projection' | null;
  num_class_embeds: number | null;
  /** Width of `class_labels` when they are projected. */
  projection_class_embeddings_input_dim?: number | null;
  /** Width of `timestep_cond`, which models distilled for few steps take their guidance scale in. */
  time_cond_proj_dim?: number | null;
}

export interface Embedding {
  /** `[batch, time embedding width]` */
  temb: Rows;
  /** What the output is divided by, `[batch, 1, 1, 1]`: the noise level, with a Fourier time embedding. */
  divisor?: string;
}

/** Adds the inputs `timestep` and, where the model has them, `timestep_cond` and `class_labels`, and embeds them. */
export function timeAndClassEmbedding(
  m: ModuleBuilder,
  config: EmbeddingSettings,
  act: Activation = 'silu',
): Embedding {
  const { graph } = m;
  const batch = symbol('batch');
  const width = config.time_embedding_dim ?? config.block_out_channels[0]! * 4;
  const timestep = graph.input('timestep', timestepType(config), [batch]);
  const project = timeProjection(m, config);
  const waves = addCondition(m, project(timestep), config);
  let temb = timestepEmbedding(m, 'time_embedding', waves, width, act);
  const classes = classEmbedding(m, config, project, temb.width, act);
  if (classes) {
    if (classes.width !== temb.width) {
      m.problem(`class_embedding has ${classes.width} channels, time_embedding ${temb.width}`);
    }
    temb = { ...temb, value: graph.op('Add', [temb.value, classes.value]) };
  }
  if (config.time_embedding_type !== 'fourier') return { temb };
  return { temb, divisor: graph.op('Unsqueeze', [timestep, graph.ints([1, 2, 3])]) };
}

/** The waves of a timestep with a projection of `timestep_cond` `[batch, time_cond_proj_dim]` added. */
function addCondition(m: ModuleBuilder, waves: Rows, { time_cond_proj_dim: width }: EmbeddingSettings): Rows {
  if (width === null || width === undefined) return waves;
  const value = m.graph.input('timestep_cond', 'float32', [symbol('batch'), width]);
  const projected = m.at('time_embedding', () => tokenLinear(m, 'cond_proj', { value, width }, waves.width, false));
  return { ...waves, value: m.graph.op('Add', [waves.value, projected.value]) };
}

/**
 * By `class_embed_type`: `timestep` embeds the label, a number, as a timestep; `projection` a vector `[batch, input width]`
 * by two linears; `identity` takes an embedding `[batch, width]` as it is; otherwise a table, when there is one.
 */
function classEmbedding(
  m: ModuleBuilder,
  config: EmbeddingSettings,
  project: (steps: string) => Rows,
  width: number,
  act: Activation,
): Rows | undefined {
  const { graph } = m;
  const batch = symbol('batch');
  if (config.class_embed_type === 'identity') {
    return { value: graph.input('class_labels', 'float32', [batch, width]), width };
  }
  if (config.class_embed_type === 'timestep') {
    const labels = graph.input('class_labels', timestepType(config), [batch]);
    return timestepEmbedding(m, 'class_embedding', project(labels), width, act);
  }
  if (config.class_embed_type === 'projection') {
    const given = config.projection_class_embeddings_input_dim!;
    const value = graph.input('class_labels', 'float32', [batch, given]);
    return timestepEmbedding(m, 'class_embedding', { value, width: given }, width);
  }
  const rows = config.num_class_embeds;
  if (rows === null) return undefined;
  const labels = graph.input('class_labels', 'int64', [batch]);
  return m.at('class_embedding', () => {
    const table = m.parameter('weight', [rows, free(width)], { kind: 'normal', deviation: 1 });
    const value = graph.op('Gather', [table.name, labels], { axis: int(0) });
    return { value, width: table.shape[1]! };
  });
}
