import { symbol } from '@secateur/graph';
import { countBlocks } from '../block-lists.js';
import { headTies } from '../blocks/head-ties.js';
import type { Json, Shapes } from '../expressible-config.js';
import { adaLayerNorm } from '../layers/ada-layer-norm.js';
import { timeAndText } from '../layers/combined-embedding.js';
import { jointBlock, type Streams } from '../layers/joint-block.js';
import { type Rows, tokenLinear } from '../layers/linear.js';
import { fromPatches, type Patches, toPatches } from '../layers/patches.js';
import { addCroppedTable, addWaves } from '../layers/positions.js';
import { sd3LoadScript } from '../load-script/sd3.js';
import { defineModelClass, type ModelClass } from '../model-class.js';
import { free, type ModuleBuilder } from '../module-builder.js';
import { parseSD3Transformer2DConfig, type SD3Transformer2DConfig } from './config.js';

/** Tokens of a prompt: 77 of CLIP's, 256 of T5's. */
const usualTokens = 333;

/**
 * SD3Transformer2DModel: Stable Diffusion 3 and 3.5.
 *
 * Inputs: `hidden_states` float32 `[batch, in_channels, height, width]`; `encoder_hidden_states` float32
 * `[batch, tokens, joint_attention_dim]`; `pooled_projections` float32 `[batch, pooled_projection_dim]`; `timestep`
 * float32 `[batch]`, 0 to 1000. Output: `out` float32 `[batch, out_channels, height, width]`.
 */
export const sd3Transformer2DModel: ModelClass = defineModelClass({
  name: 'SD3Transformer2DModel',
  parse: parseSD3Transformer2DConfig,
  write: writeModel,
  sizes: ({ sample_size: side }) => ({ height: side, width: side, tokens: usualTokens }),
  changedFields,
  // Positions that are computed, and not stored, are made from the width: another one would be another function.
  sameFunction: (config, candidate) => config.pos_embed_max_size !== null || innerOf(config) === innerOf(candidate),
  blockLists: ['transformer_blocks'],
  ties: (config, coupling, roundTo) =>
    config.pos_embed_max_size === null
      ? { ties: [], fixed: new Map() }
      : headTies(coupling, { heads: config.num_attention_heads, headDim: config.attention_head_dim, roundTo }),
  loadScript: sd3LoadScript,
});

const innerOf = (config: SD3Transformer2DConfig): number => config.num_attention_heads * config.attention_head_dim;

function writeModel(m: ModuleBuilder, config: SD3Transformer2DConfig): void {
  const { graph } = m;
  const [batch, height, width] = [symbol('batch'), symbol('height'), symbol('width')];
  const { in_channels: channels, joint_attention_dim: promptWidth, pooled_projection_dim: pooledWidth } = config;
  const sample = graph.input('hidden_states', 'float32', [batch, channels, height, width]);
  const prompt = graph.input('encoder_hidden_states', 'float32', [batch, symbol('tokens'), promptWidth]);
  const pooled = graph.input('pooled_projections', 'float32', [batch, pooledWidth]);
  const timestep = graph.input('timestep', 'float32', [batch]);

  const patches = embedPatches(m, sample, config);
  const embedding = m.at('time_text_embed', () =>
    timeAndText(m, { timestep, pooled: { value: pooled, width: pooledWidth } }, innerOf(config)),
  );
  const embedded = { value: prompt, width: promptWidth };
  const text = tokenLinear(m, 'context_embedder', embedded, free(config.caption_projection_dim));
  const { x } = writeBlocks(m, { x: patches, text }, embedding, config);

  const normed = m.at('norm_out', () => adaLayerNorm(m, x, embedding));
  const { patch_size: patch } = config;
  const outChannels = config.out_channels ?? channels;
  const tokens = tokenLinear(m, 'proj_out', normed, patch * patch * outChannels);
  const out = fromPatches(m, tokens, patches.grid, patch, outChannels);
  graph.output(out, 'float32', [batch, outChannels, height, width], 'out');
}

function embedPatches(m: ModuleBuilder, sample: string, config: SD3Transformer2DConfig): Patches {
  const { in_channels: channels, patch_size: patch, pos_embed_max_size: side } = config;
  const width = innerOf(config);
  const base = Math.floor(config.sample_size / patch);
  return m.at('pos_embed', () => {
    const patches = toPatches(m, sample, channels, patch, width);
    if (side === null) return addWaves(m, patches, width, { base, interpolation: 1 });
    return addCroppedTable(m, patches, side, width, base);
  });
}

function writeBlocks(m: ModuleBuilder, streams: Streams, embedding: Rows, config: SD3Transformer2DConfig): Streams {
  const { num_layers: count, num_attention_heads: heads, attention_head_dim: headDim, qk_norm: norm } = config;
  for (let i = 0; i < count; i++) {
    const options = {
      heads,
      headDim,
      norm,
      dual: config.dual_attention_layers.includes(i),
      contextPreOnly: i === count - 1,
    };
    m.at(`transformer_blocks.${i}`, () => {
      if (!m.isRemoved()) streams = jointBlock(m, streams, embedding, options);
    });
  }
  return streams;
}

function changedFields(config: SD3Transformer2DConfig, shapes: Shapes): Json {
  const layers = countBlocks(shapes.keys(), 'transformer_blocks');
  const inner = shapes.get('pos_embed.proj.weight')?.[0] ?? innerOf(config);
  return {
    num_layers: layers,
    num_attention_heads: Math.max(1, Math.floor(inner / config.attention_head_dim)),
    caption_projection_dim: shapes.get('context_embedder.weight')?.[0] ?? config.caption_projection_dim,
    ...(config.dual_attention_layers.length > 0 && {
      dual_attention_layers: Array.from({ length: layers }, (_, i) => i).filter((i) =>
        shapes.has(`transformer_blocks.${i}.attn2.to_q.weight`),
      ),
    }),
  };
}
