import { int, symbol } from '@secateur/graph';
import { countBlocks } from '../block-lists.js';
import { headTies } from '../blocks/head-ties.js';
import type { Json, Shapes } from '../expressible-config.js';
import { adaLayerNorm } from '../layers/ada-layer-norm.js';
import type { Heads } from '../layers/attention.js';
import { timeAndText } from '../layers/combined-embedding.js';
import { joinTokens, splitTokens } from '../layers/joint-attention.js';
import { jointBlock, type Streams } from '../layers/joint-block.js';
import { type Rows, tokenLinear } from '../layers/linear.js';
import { rotary } from '../layers/rotary.js';
import { fluxLoadScript } from '../load-script/flux.js';
import { defineModelClass, type ModelClass } from '../model-class.js';
import { free, type ModuleBuilder } from '../module-builder.js';
import { type FluxTransformer2DConfig, parseFluxTransformer2DConfig } from './config.js';
import { singleBlock } from './single-block.js';

/** Tokens of a picture of 1024 by 1024 pixels, and of a prompt. */
const usualSizes = { image_tokens: 4096, tokens: 512 };

/** Timesteps and guidance are given by the thousand. */
const thousand = 1000;

/**
 * FluxTransformer2DModel: FLUX.1.
 *
 * Inputs: `hidden_states` float32 `[batch, image_tokens, in_channels]`; `encoder_hidden_states` float32
 * `[batch, tokens, joint_attention_dim]`; `pooled_projections` float32 `[batch, pooled_projection_dim]`; `timestep` float32
 * `[batch]`, 0 to 1; `img_ids` float32 `[image_tokens, axes]` and `txt_ids` float32 `[tokens, axes]`; with
 * `guidance_embeds` also `guidance` float32 `[batch]`. Output: `out` float32
 * `[batch, image_tokens, patch_size^2 * out_channels]`.
 */
export const fluxTransformer2DModel: ModelClass = defineModelClass({
  name: 'FluxTransformer2DModel',
  parse: parseFluxTransformer2DConfig,
  write: writeModel,
  sizes: () => usualSizes,
  changedFields,
  blockLists: ['transformer_blocks', 'single_transformer_blocks'],
  ties: (config, coupling, roundTo) =>
    headTies(coupling, { heads: config.num_attention_heads, headDim: config.attention_head_dim, roundTo }),
  loadScript: fluxLoadScript,
});

const innerOf = (config: FluxTransformer2DConfig): number => config.num_attention_heads * config.attention_head_dim;

function writeModel(m: ModuleBuilder, config: FluxTransformer2DConfig): void {
  const { graph } = m;
  const [batch, patches, tokens] = [symbol('batch'), symbol('image_tokens'), symbol('tokens')];
  const { in_channels: channels, joint_attention_dim: promptWidth, axes_dims_rope: axes } = config;
  const sample = graph.input('hidden_states', 'float32', [batch, patches, channels]);
  const prompt = graph.input('encoder_hidden_states', 'float32', [batch, tokens, promptWidth]);
  const embedding = conditions(m, config);
  const imageIds = graph.input('img_ids', 'float32', [patches, axes.length]);
  const textIds = graph.input('txt_ids', 'float32', [tokens, axes.length]);
  const ids = graph.op('Concat', [textIds, imageIds], { axis: int(0) });
  const turn = () => rotary(m, ids, axes);

  const inner = innerOf(config);
  const x = tokenLinear(m, 'x_embedder', { value: sample, width: channels }, free(inner));
  const text = tokenLinear(m, 'context_embedder', { value: prompt, width: promptWidth }, free(inner));
  const streams = writeDoubleBlocks(m, { x, text }, embedding, config, turn);
  const picture = writeSingleBlocks(m, streams, embedding, config, turn);

  const normed = m.at('norm_out', () => adaLayerNorm(m, picture, embedding));
  const { patch_size: patch } = config;
  const width = patch * patch * (config.out_channels ?? channels);
  graph.output(tokenLinear(m, 'proj_out', normed, width).value, 'float32', [batch, patches, width], 'out');
}

/** Timestep, pooled text and, where the model has it, guidance: `[batch, width]`. */
function conditions(m: ModuleBuilder, config: FluxTransformer2DConfig): Rows {
  const { graph } = m;
  const batch = symbol('batch');
  const { pooled_projection_dim: pooledWidth } = config;
  const pooled = { value: graph.input('pooled_projections', 'float32', [batch, pooledWidth]), width: pooledWidth };
  const thousands = (name: string): string =>
    graph.op('Mul', [graph.input(name, 'float32', [batch]), graph.scalar(thousand)]);
  const timestep = thousands('timestep');
  const guidance = config.guidance_embeds ? thousands('guidance') : undefined;
  return m.at('time_text_embed', () => timeAndText(m, { timestep, guidance, pooled }, innerOf(config)));
}

function writeDoubleBlocks(
  m: ModuleBuilder,
  streams: Streams,
  embedding: Rows,
  config: FluxTransformer2DConfig,
  turn: () => (x: Heads) => Heads,
): Streams {
  const { num_attention_heads: heads, attention_head_dim: headDim } = config;
  for (let i = 0; i < config.num_layers; i++) {
    m.at(`transformer_blocks.${i}`, () => {
      if (m.isRemoved()) return;
      streams = jointBlock(m, streams, embedding, { heads, headDim, norm: 'rms_norm', rotary: turn });
    });
  }
  return streams;
}

/** The picture after the blocks that text and picture go through as one stream. */
function writeSingleBlocks(
  m: ModuleBuilder,
  { x, text }: Streams,
  embedding: Rows,
  config: FluxTransformer2DConfig,
  turn: () => (x: Heads) => Heads,
): Rows {
  if (config.num_single_layers === 0) return x;
  let both = joinTokens(m, text, x);
  for (let i = 0; i < config.num_single_layers; i++) {
    m.at(`single_transformer_blocks.${i}`, () => {
      if (!m.isRemoved()) both = singleBlock(m, both, embedding, config, turn);
    });
  }
  return splitTokens(m, both, text, x)[1];
}

function changedFields(config: FluxTransformer2DConfig, shapes: Shapes): Json {
  const inner = shapes.get('x_embedder.weight')?.[0] ?? innerOf(config);
  return {
    num_layers: countBlocks(shapes.keys(), 'transformer_blocks'),
    num_single_layers: countBlocks(shapes.keys(), 'single_transformer_blocks'),
    num_attention_heads: Math.max(1, Math.floor(inner / config.attention_head_dim)),
  };
}
