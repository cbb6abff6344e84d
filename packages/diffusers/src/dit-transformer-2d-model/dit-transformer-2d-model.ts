import { symbol } from '@secateur/graph';
import { countBlocks } from '../block-lists.js';
import { modulateTokens, modulations } from '../layers/ada-layer-norm.js';
import { stepWaves } from '../layers/combined-embedding.js';
import { plainLayerNorm } from '../layers/layer-norm.js';
import { type Rows, tokenLinear } from '../layers/linear.js';
import { fromPatches, type Patches, toPatches } from '../layers/patches.js';
import { addWaves } from '../layers/positions.js';
import { ditLoadScript } from '../load-script/dit.js';
import { defineModelClass, type ModelClass } from '../model-class.js';
import type { ModuleBuilder } from '../module-builder.js';
import { blockEmbedding, type Conditions, ditBlock } from './block.js';
import { type DiTTransformer2DConfig, parseDiTTransformer2DConfig } from './config.js';

/**
 * DiTTransformer2DModel: a class-conditional transformer over the patches of a latent.
 *
 * Inputs: `hidden_states` float32 `[batch, in_channels, height, width]`; `timestep` int64 `[batch]`; `class_labels` int64
 * `[batch]`, 0 to `num_embeds_ada_norm`, the last for "no class". Output: `out` float32
 * `[batch, out_channels, height, width]`. Latents may have any size; the library itself takes square ones.
 */
export const ditTransformer2DModel: ModelClass = defineModelClass({
  name: 'DiTTransformer2DModel',
  parse: parseDiTTransformer2DConfig,
  write: writeModel,
  sizes: ({ sample_size: side }) => ({ height: side, width: side }),
  // The positions are made from the width: another width would be another function, and depth is all that is left.
  changedFields: (_, shapes) => ({ num_layers: countBlocks(shapes.keys(), 'transformer_blocks') }),
  blockLists: ['transformer_blocks'],
  loadScript: ditLoadScript,
});

function writeModel(m: ModuleBuilder, config: DiTTransformer2DConfig): void {
  const { graph } = m;
  const [batch, height, width] = [symbol('batch'), symbol('height'), symbol('width')];
  const sample = graph.input('hidden_states', 'float32', [batch, config.in_channels, height, width]);
  const timestep = graph.input('timestep', 'int64', [batch]);
  const labels = graph.input('class_labels', 'int64', [batch]);
  const conditions = { config, labels, steps: stepWaves(m, 'time_proj', timestep, 1) };

  const patches = embedPatches(m, sample, config);
  const { x, embedding } = writeBlocks(m, patches, conditions);

  const [shift, scale] = modulations(m, 'proj_out_1', embedding, 2, x.width) as [string, string];
  const normed = modulateTokens(m, plainLayerNorm(m, 'norm_out', x, 1e-6), scale, shift);
  const { patch_size: patch, out_channels: channels } = config;
  const outChannels = channels ?? config.in_channels;
  const tokens = tokenLinear(m, 'proj_out_2', normed, patch * patch * outChannels);
  const out = fromPatches(m, tokens, patches.grid, patch, outChannels);
  graph.output(out, 'float32', [batch, outChannels, height, width], 'out');
}

function embedPatches(m: ModuleBuilder, sample: string, config: DiTTransformer2DConfig): Patches {
  const { in_channels: channels, patch_size: patch, sample_size: side } = config;
  const width = config.num_attention_heads * config.attention_head_dim;
  return m.at('pos_embed', () =>
    addWaves(m, toPatches(m, sample, channels, patch, width), width, {
      base: Math.floor(side / patch),
      interpolation: 1,
    }),
  );
}

/** @returns the stream, and the first block's embedding, which the output is modulated by */
function writeBlocks(m: ModuleBuilder, patches: Patches, conditions: Conditions): { x: Rows; embedding: Rows } {
  let x: Rows = patches;
  let first: Rows | undefined;
  for (let i = 0; i < conditions.config.num_layers; i++) {
    m.at(`transformer_blocks.${i}`, () => {
      const isRemoved = first ? m.isRemoved() : m.isRemoved('norm1.emb.');
      if (isRemoved && first) return;
      const embedding = blockEmbedding(m, conditions);
      first ??= embedding;
      if (!isRemoved) x = ditBlock(m, x, embedding, conditions);
    });
  }
  return { x, embedding: first! };
}
