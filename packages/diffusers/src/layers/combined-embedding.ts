import { int } from '@secateur/graph';
import { free, type ModuleBuilder } from '../module-builder.js';
import { type Activation, activation } from './activation.js';
import { type Rows, tokenLinear } from './linear.js';
import { sinusoid, timestepEmbedding } from './timestep-embedding.js';

/** Sines and cosines of a timestep in the transformers, whatever their width. */
const sinusoidWidth = 256;

/**
 * Timesteps: the sines and cosines that a timestep, guidance or size is embedded by.
 *
 * @param steps  `[…]`, integers or float32
 * @returns `[…, 256]`
 */
export function stepWaves(m: ModuleBuilder, path: string, steps: string, shift: 0 | 1 = 0): Rows {
  const onnxFloat = 1;
  return m.at(path, () => {
    const numbers = m.graph.op('Cast', [steps], { to: int(onnxFloat) });
    return sinusoid(m, numbers, sinusoidWidth, { freq_shift: shift, flip_sin_to_cos: true });
  });
}

/**
 * CombinedTimestepLabelEmbeddings: the embedding of the timestep plus that of the class.
 *
 * @param steps  `[batch, 256]`
 * @param labels  int64 `[batch]`, 0 to `classes`; the last row is that of no class
 */
export function timeAndLabel(m: ModuleBuilder, steps: Rows, labels: string, classes: number, width: number): Rows {
  const time = timestepEmbedding(m, 'timestep_embedder', steps, width);
  const label = m.at('class_embedder.embedding_table', () => {
    const table = m.parameter('weight', [classes + 1, free(width)], { kind: 'normal', deviation: 1 });
    return { value: m.graph.op('Gather', [table.name, labels], { axis: int(0) }), width: table.shape[1]! };
  });
  return sumOf(m, [time, label]);
}

/**
 * CombinedTimestepTextProjEmbeddings and its like with guidance: embeddings of the timestep, of the guidance scale if
 * given, and of the pooled text, added up.
 *
 * @param pooled  `[batch, text width]`
 * @returns `[batch, width]`
 */
export function timeAndText(
  m: ModuleBuilder,
  { timestep, guidance, pooled }: { timestep: string; guidance?: string; pooled: Rows },
  width: number,
): Rows {
  const embeddings = [timestepEmbedding(m, 'timestep_embedder', stepWaves(m, 'time_proj', timestep), width)];
  if (guidance !== undefined) {
    embeddings.push(timestepEmbedding(m, 'guidance_embedder', stepWaves(m, 'time_proj', guidance), width));
  }
  return sumOf(m, [...embeddings, timestepEmbedding(m, 'text_embedder', pooled, width)]);
}

/**
 * PixArtAlphaCombinedTimestepSizeEmbeddings: the embedding of the timestep and, if given, of the picture's height, width
 * and aspect ratio side by side, added up.
 *
 * @param sizes  `resolution` float32 `[batch, 2]`, `aspectRatio` float32 `[batch, 1]`
 * @param width  by the configuration, a multiple of 3 with sizes
 * @returns `[batch, width]`
 */
export function timeAndSize(
  m: ModuleBuilder,
  timestep: string,
  sizes: { resolution: string; aspectRatio: string } | undefined,
  width: number,
): Rows {
  const time = timestepEmbedding(m, 'timestep_embedder', stepWaves(m, 'time_proj', timestep), width);
  if (!sizes) return time;
  const each = Math.floor(width / 3);
  const [a, b] = [
    sizeEmbedding(m, 'resolution_embedder', sizes.resolution, 2, each),
    sizeEmbedding(m, 'aspect_ratio_embedder', sizes.aspectRatio, 1, each),
  ];
  const together = { value: m.graph.op('Concat', [a.value, b.value], { axis: int(1) }), width: a.width + b.width };
  return sumOf(m, [time, together]);
}

/** The embeddings of `count` numbers side by side. @param numbers  `[batch, count]` */
function sizeEmbedding(m: ModuleBuilder, path: string, numbers: string, count: number, width: number): Rows {
  const waves = stepWaves(m, 'additional_condition_proj', numbers);
  const embedded = textProjection(m, path, waves, width, 'silu');
  const merged = m.graph.op('Reshape', [embedded.value, m.graph.ints([0, count * embedded.width])]);
  return { value: merged, width: count * embedded.width };
}

/** PixArtAlphaTextProjection: linear, activation, linear, over `[batch, tokens, width]`. */
export function textProjection(m: ModuleBuilder, path: string, x: Rows, width: number, act: Activation): Rows {
  return m.at(path, () => {
    const hidden = activation(m, 'act_1', act, tokenLinear(m, 'linear_1', x, free(width)));
    return tokenLinear(m, 'linear_2', hidden, free(width));
  });
}

/** The sum of embeddings that must have one width, `[batch, width]`. */
export function sumOf(m: ModuleBuilder, embeddings: readonly Rows[]): Rows {
  return embeddings.reduce((sum, next) => {
    if (sum.width !== next.width) m.problem(`${m.path} adds embeddings of ${sum.width} and ${next.width} channels`);
    return { value: m.graph.op('Add', [sum.value, next.value]), width: sum.width };
  });
}
