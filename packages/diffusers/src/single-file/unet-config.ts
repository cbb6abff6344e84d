import { SecateurError } from '@secateur/graph';
import { numbersBehind, type StoredShapes } from './stored-place.js';

/** A block of the original U-Net, as its tensors tell. */
interface Block {
  /** Output channels of its residual block; `undefined` where it only halves the size. */
  readonly channels?: number;
  /** Transformer blocks of its attention; 0 for none. */
  readonly depth: number;
  /** Whether it ends a stage on the way up. */
  readonly upsamples: boolean;
}

interface Stage {
  channels: number;
  depths: number[];
}

/** Widths of heads in models with linear projections; others have eight heads. */
const headWidth = 64;
const usualHeads = 8;

/** Widths of the texts that SDXL and its refiner read. */
const sdxlTexts = [2048, 1280];

/**
 * The configuration of an original U-Net, read off its tensors' shapes.
 *
 * Widths, stages, layers, depths, inputs and embeddings are what the shapes say. What they cannot say: with linear
 * projections (Stable Diffusion 2, SDXL) heads are 64 channels wide, otherwise (1) there are eight; an embedding of vectors
 * is SDXL's text and sizes, of 256 channels each, where the text is as wide as SDXL's, otherwise a projection of classes;
 * latents are 128 wide with it, 96 with linear projections, otherwise 64; the rest are diffusers' defaults.
 *
 * @throws {SecateurError} BAD_FILE when the tensors are not those of such a model
 */
export function unetConfigOf(all: StoredShapes, prefix: string): Record<string, unknown> {
  const shapes = below(all, prefix);
  const down = stagesDown(shapes);
  const up = stagesUp(shapes);
  if (
    up.length !== down.length ||
    up.some(({ depths }, i) => depths.length !== down[down.length - 1 - i]!.depths.length + 1)
  ) {
    throw notSuch(
      prefix,
      `${down.length} stages of ${down.map(({ depths }) => depths.length)} layers down, ${up.length} of ${up.map(({ depths }) => depths.length)} up`,
    );
  }
  const linear = [...shapes].some(([name, shape]) => name.endsWith('.proj_in.weight') && shape.length === 2);
  const text = [...shapes].find(([name]) => name.endsWith('.attn2.to_k.weight'))?.[1][1] ?? 1280;
  const channels = down.map((stage) => stage.channels);
  const embedding = embeddingFields(shapes, text);
  return {
    _class_name: 'UNet2DConditionModel',
    sample_size: embedding.addition_embed_type ? 128 : linear ? 96 : 64,
    in_channels: shapes.get('input_blocks.0.0.weight')![1],
    out_channels: shapes.get('out.2.weight')?.[0],
    block_out_channels: channels,
    layers_per_block: oneWhereEqual(down.map(({ depths }) => depths.length)),
    down_block_types: down.map(({ depths }) => (depths.some(Boolean) ? 'CrossAttnDownBlock2D' : 'DownBlock2D')),
    up_block_types: up.map(({ depths }) => (depths.some(Boolean) ? 'CrossAttnUpBlock2D' : 'UpBlock2D')),
    mid_block_type: midBlockType(shapes),
    cross_attention_dim: text,
    attention_head_dim: linear ? channels.map((width) => Math.max(1, Math.floor(width / headWidth))) : usualHeads,
    use_linear_projection: linear,
    ...depthFields(down, up, depthOf(shapes, 'middle_block.1')),
    ...onlyCrossAttention(shapes, text),
    ...embedding,
  };
}

/** What lies behind a prefix, under its names without it. */
function below(all: StoredShapes, prefix: string): StoredShapes {
  return new Map(
    [...all].flatMap(([key, shape]) => (key.startsWith(prefix) ? [[key.slice(prefix.length), shape]] : [])),
  );
}

function blockAt(shapes: StoredShapes, path: string): Block {
  const upsamples = [1, 2].some((i) => shapes.has(`${path}.${i}.conv.weight`));
  return { channels: shapes.get(`${path}.0.out_layers.3.weight`)?.[0], depth: depthOf(shapes, `${path}.1`), upsamples };
}

function depthOf(shapes: StoredShapes, path: string): number {
  return numbersBehind(shapes.keys(), `${path}.transformer_blocks.`).length;
}

/** Stages from the largest size; a block that only halves it ends one. */
function stagesDown(shapes: StoredShapes): Stage[] {
  const stages: Stage[] = [];
  let current: Stage | undefined;
  for (const i of numbersBehind(shapes.keys(), 'input_blocks.').filter((block) => block > 0)) {
    const { channels, depth } = blockAt(shapes, `input_blocks.${i}`);
    if (channels === undefined) current = undefined;
    else if (current) current.depths.push(depth);
    else stages.push((current = { channels, depths: [depth] }));
  }
  if (stages.length === 0) throw notSuch('input_blocks.', 'no residual blocks');
  return stages;
}

/** Stages from the smallest size; a block that doubles it ends one. */
function stagesUp(shapes: StoredShapes): Stage[] {
  const stages: Stage[] = [];
  let current: Stage | undefined;
  for (const i of numbersBehind(shapes.keys(), 'output_blocks.')) {
    const { channels = 0, depth, upsamples } = blockAt(shapes, `output_blocks.${i}`);
    if (current) current.depths.push(depth);
    else stages.push((current = { channels, depths: [depth] }));
    if (upsamples) current = undefined;
  }
  return stages;
}

function midBlockType(shapes: StoredShapes): string | null {
  if (shapes.has('middle_block.1.norm.weight')) return 'UNetMidBlock2DCrossAttn';
  return shapes.has('middle_block.0.in_layers.0.weight') ? 'UNetMidBlock2D' : null;
}

/** Depths by stage; by layer, and up and down apart, only where they differ. The middle's are those of the last stage. */
function depthFields(down: readonly Stage[], up: readonly Stage[], middle: number): Record<string, unknown> {
  const last = down.length - 1;
  const downDepths = down.map(({ depths }, i) =>
    i === last && !depths.some(Boolean) && middle ? middle : usual(depths),
  );
  const upDepths = up.map(({ depths }) => usual(depths));
  const same = upDepths.every(
    (depths, i) => isPlain(depths) && (!up[i]!.depths.some(Boolean) || depths === downDepths[last - i]),
  );
  return {
    transformer_layers_per_block: downDepths.every(isPlain) ? oneWhereEqual(downDepths as number[]) : downDepths,
    ...(same && downDepths.every(isPlain) ? {} : { reverse_transformer_layers_per_block: upDepths }),
  };
}

/** One depth, or a list where the layers of a stage differ; 1, which nothing reads, where it has no attention. */
function usual(depths: readonly number[]): number | number[] {
  if (!depths.some(Boolean)) return 1;
  return depths.every((depth) => depth === depths[0]) ? depths[0]! : [...depths];
}

const isPlain = (depths: number | readonly number[]): depths is number => typeof depths === 'number';

function oneWhereEqual(values: readonly number[]): number | number[] {
  return values.every((value) => value === values[0]) ? values[0]! : [...values];
}

/** Whether the first attention of a block looks at the text as well, which its keys' width tells. */
function onlyCrossAttention(shapes: StoredShapes, text: number): Record<string, unknown> {
  const first = [...shapes].find(([name]) => name.endsWith('.attn1.to_k.weight'));
  const channels = first && shapes.get(first[0].replace('to_k', 'to_q'))?.[1];
  return first && first[1][1] === text && channels !== text ? { only_cross_attention: true } : {};
}

function embeddingFields(shapes: StoredShapes, text: number): Record<string, unknown> {
  const table = shapes.get('label_emb.weight');
  if (table) return { num_class_embeds: table[0] };
  const inputs = shapes.get('label_emb.0.0.weight')?.[1];
  if (inputs === undefined) return {};
  if (!sdxlTexts.includes(text)) {
    return { class_embed_type: 'projection', projection_class_embeddings_input_dim: inputs };
  }
  return {
    addition_embed_type: 'text_time',
    addition_time_embed_dim: 256,
    projection_class_embeddings_input_dim: inputs,
  };
}

function notSuch(prefix: string, what: string): SecateurError {
  return new SecateurError('BAD_FILE', `The tensors behind "${prefix}" are no U-Net of Stable Diffusion: ${what}.`, {
    field: prefix,
    hint: 'Convert the checkpoint with the library it comes from, and name the folder.',
  });
}
