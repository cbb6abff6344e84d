import { symbol } from '@secateur/graph';
import { countBlocks } from '../block-lists.js';
import { activation } from '../layers/activation.js';
import { modulateTokens } from '../layers/ada-layer-norm.js';
import { textProjection, timeAndSize } from '../layers/combined-embedding.js';
import { plainLayerNorm } from '../layers/layer-norm.js';
import { linear, type Rows, tokenLinear } from '../layers/linear.js';
import { fromPatches, type Patches, toPatches } from '../layers/patches.js';
import { addWaves } from '../layers/positions.js';
import { pixartLoadScript } from '../load-script/pixart.js';
import { defineModelClass, type ModelClass } from '../model-class.js';
import type { ModuleBuilder } from '../module-builder.js';
import { type Conditions, pixartBlock, tableModulations } from './block.js';
import { type PixArtTransformer2DConfig, parsePixArtTransformer2DConfig } from './config.js';

/** Tokens of a prompt: PixArt-Alpha's 120; Sigma's are 300. */
const usualTokens = 120;

/**
 * PixArtTransformer2DModel: PixArt-Alpha and PixArt-Sigma.
 *
 * Inputs: `hidden_states` float32 `[batch, in_channels, height, width]`; `timestep` int64 `[batch]`;
 * `encoder_hidden_states` float32 `[batch, tokens, caption_channels]` (`cross_attention_dim` where they are not projected),
 * without padding: there is no mask; with `use_additional_conditions` also `resolution` float32 `[batch, 2]` and
 * `aspect_ratio` float32 `[batch, 1]`. Output: `out` float32 `[batch, out_channels, height, width]`.
 */
export const pixartTransformer2DModel: ModelClass = defineModelClass({
  name: 'PixArtTransformer2DModel',
  parse: parsePixArtTransformer2DConfig,
  write: writeModel,
  sizes: ({ sample_size: side, cross_attention_dim: text }) => ({
    height: side,
    width: side,
    ...(text !== null && { tokens: usualTokens }),
  }),
  // The positions are made from the width: another width would be another function, and depth is all that is left.
  changedFields: (_, shapes) => ({ num_layers: countBlocks(shapes.keys(), 'transformer_blocks') }),
  blockLists: ['transformer_blocks'],
  loadScript: pixartLoadScript,
});

function writeModel(m: ModuleBuilder, config: PixArtTransformer2DConfig): void {
  const { graph } = m;
  const [batch, height, width] = [symbol('batch'), symbol('height'), symbol('width')];
  const sample = graph.input('hidden_states', 'float32', [batch, config.in_channels, height, width]);
  const timestep = graph.input('timestep', 'int64', [batch]);
  const text = textInput(m, config);
  const sizes = config.use_additional_conditions
    ? {
        resolution: graph.input('resolution', 'float32', [batch, 2]),
        aspectRatio: graph.input('aspect_ratio', 'float32', [batch, 1]),
      }
    : undefined;

  const patches = embedPatches(m, sample, config);
  const { embedding, modulations } = adaptiveNorm(m, timestep, sizes, config, patches.width);
  const x = writeBlocks(m, patches, { config, modulations, text });

  if (embedding.width !== x.width) m.problem(`adaln_single.emb makes ${embedding.width} channels, not ${x.width}`);
  const repeated = graph.op('Unsqueeze', [embedding.value, graph.ints([1])]);
  const [shift, scale] = tableModulations(m, repeated, 2, x.width) as [string, string];
  const normed = modulateTokens(m, plainLayerNorm(m, 'norm_out', x, 1e-6), scale, shift);
  const { patch_size: patch } = config;
  const outChannels = config.out_channels ?? config.in_channels;
  const tokens = tokenLinear(m, 'proj_out', normed, patch * patch * outChannels);
  const out = fromPatches(m, tokens, patches.grid, patch, outChannels);
  graph.output(out, 'float32', [batch, outChannels, height, width], 'out');
}

const innerOf = (config: PixArtTransformer2DConfig): number => config.num_attention_heads * config.attention_head_dim;

/** The prompt as the blocks read it: projected, where the configuration says so. */
function textInput(m: ModuleBuilder, config: PixArtTransformer2DConfig): Rows | undefined {
  const { caption_channels: captions, cross_attention_dim: cross } = config;
  if (cross === null) return undefined;
  const width = captions ?? cross;
  const value = m.graph.input('encoder_hidden_states', 'float32', [symbol('batch'), symbol('tokens'), width]);
  if (captions === null) return { value, width };
  return textProjection(m, 'caption_projection', { value, width }, innerOf(config), 'gelu_tanh');
}

function embedPatches(m: ModuleBuilder, sample: string, config: PixArtTransformer2DConfig): Patches {
  const { in_channels: channels, patch_size: patch, sample_size: side, interpolation_scale: interpolation } = config;
  const width = innerOf(config);
  return m.at('pos_embed', () =>
    addWaves(m, toPatches(m, sample, channels, patch, width), width, { base: Math.floor(side / patch), interpolation }),
  );
}

/** AdaLayerNormSingle: one embedding and six modulations of it for all blocks, `[batch, 6, width]`. */
function adaptiveNorm(
  m: ModuleBuilder,
  timestep: string,
  sizes: { resolution: string; aspectRatio: string } | undefined,
  config: PixArtTransformer2DConfig,
  width: number,
): { embedding: Rows; modulations: string } {
  return m.at('adaln_single', () => {
    const embedding = m.at('emb', () => timeAndSize(m, timestep, sizes, innerOf(config)));
    const all = linear(m, 'linear', activation(m, 'silu', 'silu', embedding), 6 * width);
    return { embedding, modulations: m.graph.op('Reshape', [all.value, m.graph.ints([0, 6, width])]) };
  });
}

function writeBlocks(m: ModuleBuilder, patches: Patches, conditions: Conditions): Rows {
  let x: Rows = patches;
  for (let i = 0; i < conditions.config.num_layers; i++) {
    m.at(`transformer_blocks.${i}`, () => {
      if (!m.isRemoved()) x = pixartBlock(m, x, conditions);
    });
  }
  return x;
}
