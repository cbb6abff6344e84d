import { numbersBehind, type StoredShapes } from './stored-place.js';

/** Every CLIP has heads of this width. */
const headWidth = 64;

interface Layout {
  readonly className: 'CLIPTextModel' | 'CLIPTextModelWithProjection';
  readonly tokens: readonly number[];
  readonly positions: readonly number[];
  readonly neurons: number;
  readonly layers: number;
  readonly projection?: number;
  readonly act: 'quick_gelu' | 'gelu';
}

/** The configuration of a text encoder that is stored as transformers names it, at a prefix that ends the names. */
export function clipConfigOf(shapes: StoredShapes, prefix: string): Record<string, unknown> {
  const inner = shapes.has(`${prefix}embeddings.token_embedding.weight`) ? prefix : `${prefix}text_model.`;
  const layers = numbersBehind(shapes.keys(), `${inner}encoder.layers.`);
  return configOf({
    className: 'CLIPTextModel',
    tokens: shapes.get(`${inner}embeddings.token_embedding.weight`) ?? [],
    positions: shapes.get(`${inner}embeddings.position_embedding.weight`) ?? [],
    neurons: shapes.get(`${inner}encoder.layers.0.mlp.fc1.weight`)?.[0] ?? 0,
    layers: layers.length,
    act: 'quick_gelu',
  });
}

/**
 * The same of one that OpenCLIP stored.
 *
 * @param projects  whether the projection is used, as SDXL does; Stable Diffusion 2 does not, and leaves the last layer out
 */
export function openClipConfigOf(shapes: StoredShapes, prefix: string, projects: boolean): Record<string, unknown> {
  const layers = numbersBehind(shapes.keys(), `${prefix}transformer.resblocks.`).length;
  return configOf({
    className: projects ? 'CLIPTextModelWithProjection' : 'CLIPTextModel',
    tokens: shapes.get(`${prefix}token_embedding.weight`) ?? [],
    positions: shapes.get(`${prefix}positional_embedding`) ?? [],
    neurons: shapes.get(`${prefix}transformer.resblocks.0.mlp.c_fc.weight`)?.[0] ?? 0,
    layers: projects ? layers : layers - 1,
    projection: shapes.get(`${prefix}text_projection`)?.[1],
    act: 'gelu',
  });
}

function configOf({ className, tokens, positions, neurons, layers, projection, act }: Layout): Record<string, unknown> {
  const width = tokens[1] ?? 0;
  return {
    architectures: [className],
    model_type: 'clip_text_model',
    vocab_size: tokens[0],
    hidden_size: width,
    intermediate_size: neurons,
    projection_dim: projection ?? width,
    num_hidden_layers: layers,
    num_attention_heads: Math.max(1, Math.floor(width / headWidth)),
    max_position_embeddings: positions[0],
    hidden_act: act,
    layer_norm_eps: 1e-5,
    bos_token_id: 0,
    pad_token_id: 1,
    // The largest token ends a text: the only rule that these models were trained with.
    eos_token_id: 2,
  };
}
