import type { PlaceOf, StoredPlace } from './stored-place.js';

/** A text encoder that is stored as transformers names it, behind a prefix. */
export function clipKeys(prefix: string, shapes: ReadonlyMap<string, unknown>): PlaceOf {
  // The oldest have no module of that name.
  const isOld = shapes.has(`${prefix}embeddings.token_embedding.weight`);
  return (name) => ({ key: prefix + (isOld ? name.replace(/^text_model\./, '') : name) });
}

const openClipNames: readonly (readonly [RegExp, string])[] = [
  [/^text_model\.embeddings\.token_embedding\./, 'token_embedding.'],
  [/^text_model\.embeddings\.position_embedding\.weight$/, 'positional_embedding'],
  [/^text_model\.final_layer_norm\./, 'ln_final.'],
  [/^text_model\.encoder\.layers\./, 'transformer.resblocks.'],
  [/\.layer_norm([12])\./, '.ln_$1.'],
  [/\.mlp\.fc1\./, '.mlp.c_fc.'],
  [/\.mlp\.fc2\./, '.mlp.c_proj.'],
  [/\.self_attn\.out_proj\./, '.attn.out_proj.'],
];

const parts = ['q', 'k', 'v'];

/** A text encoder as OpenCLIP stores it: queries, keys and values in one tensor, the projection transposed. */
export function openClipKeys(prefix: string): PlaceOf {
  return (name): StoredPlace => {
    if (name === 'text_projection.weight') return { key: `${prefix}text_projection`, transposed: true };
    const key = openClipNames.reduce((text, [pattern, original]) => text.replace(pattern, original), name);
    const fused = /^(.*)\.self_attn\.([qkv])_proj\.(weight|bias)$/.exec(key);
    if (!fused) return { key: prefix + key };
    const [, block, part, kind] = fused;
    return { key: `${prefix}${block}.attn.in_proj_${kind}`, part: parts.indexOf(part!) as 0 | 1 | 2 };
  };
}
