import { symbol } from '@secateur/graph';
import { type Rows, tokenLinear } from '../layers/linear.js';
import { clipTextLoadScript } from '../load-script/clip-text.js';
import { defineModelClass, type ModelClass } from '../model-class.js';
import type { ModuleBuilder } from '../module-builder.js';
import { changedFields } from './changed-fields.js';
import { type CLIPTextConfig, parseCLIPTextConfig } from './config.js';
import { textModel } from './text-model.js';
import { clipTextTies } from './width-ties.js';

/** What both classes share. */
const common = {
  library: 'transformers',
  sizes: (config: CLIPTextConfig) => ({ tokens: config.max_position_embeddings }),
  changedFields,
  canonicalName,
  blockLists: ['text_model.encoder.layers'],
  ties: clipTextTies,
  loadScript: clipTextLoadScript,
} as const;

/**
 * CLIPTextModel: the text encoder of Stable Diffusion and the first of SDXL.
 *
 * Input: `input_ids` int64 `[batch, tokens]`. Outputs: `out` `[batch, tokens, hidden_size]`, transformers'
 * `last_hidden_state`, which Stable Diffusion reads; `pooler_output` `[batch, hidden_size]`; `hidden_states.0` to
 * `hidden_states.<layers - 1>`, inputs of the layers, of which SDXL reads the last, transformers' `hidden_states[-2]`.
 */
export const clipTextModel: ModelClass = defineModelClass({
  ...common,
  name: 'CLIPTextModel',
  parse: (json) => parseCLIPTextConfig(json),
  write(m: ModuleBuilder, config: CLIPTextConfig) {
    const { last, hidden, pooled } = textModel(m, config);
    tokenOutput(m, last, 'out');
    rowOutput(m, pooled, 'pooler_output');
    for (const [i, states] of hidden.entries()) tokenOutput(m, states, `hidden_states.${i}`);
  },
  parts: [{ folder: '', names: { out: 'last_hidden_state' } }],
});

/**
 * CLIPTextModelWithProjection: the second text encoder of SDXL.
 *
 * Input: `input_ids` int64 `[batch, tokens]`. Outputs: `out` `[batch, projection_dim]`, transformers' `text_embeds`;
 * `last_hidden_state` and `hidden_states.<i>` as above. SDXL reads `out` and the last of the latter.
 */
export const clipTextModelWithProjection: ModelClass = defineModelClass({
  ...common,
  name: 'CLIPTextModelWithProjection',
  parse: (json) => parseCLIPTextConfig(json, 'CLIPTextModelWithProjection'),
  write(m: ModuleBuilder, config: CLIPTextConfig) {
    const { last, hidden, pooled } = textModel(m, config);
    rowOutput(m, tokenLinear(m, 'text_projection', pooled, config.projection_dim, false), 'out');
    tokenOutput(m, last, 'last_hidden_state');
    for (const [i, states] of hidden.entries()) tokenOutput(m, states, `hidden_states.${i}`);
  },
  parts: [{ folder: '', names: { out: 'text_embeds' } }],
});

function rowOutput(m: ModuleBuilder, { value, width }: Rows, name: string): void {
  m.graph.output(value, 'float32', [symbol('batch'), width], name);
}

function tokenOutput(m: ModuleBuilder, { value, width }: Rows, name: string): void {
  m.graph.output(value, 'float32', [symbol('batch'), symbol('tokens'), width], name);
}

/** transformers 5 writes a `CLIPTextModel` without the `text_model.` that all versions read. */
function canonicalName(name: string): string {
  return /^(?:text_model|text_projection)\./.test(name) ? name : `text_model.${name}`;
}
