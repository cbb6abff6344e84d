import type { Engine, Executable, FeatureExtractor, Model, SourceFolder, TextImageEncoder } from '@secateur/core';
import {
  castTensor,
  float32,
  int64,
  SecateurError,
  subgraph,
  type Tensor,
  throwIfAborted,
  toFloat32,
} from '@secateur/graph';
import { onnxFormat } from '@secateur/onnx';
import {
  encodePrompt,
  loadTokenizer,
  readObject,
  type Tokenizer,
  type TransformersLibrary,
} from '@secateur/transformers';
import { modelFeatures } from './model-features.js';
import { readPreprocessorConfig } from './preprocessor-config.js';

export interface ClipOptions {
  readonly engine: Engine;
  readonly threads?: number;
  /** Name that numbers will carry. Default: the folder's. */
  readonly name?: string;
  /** Which files: `quantized` takes `text_model_quantized.onnx`. Default: `text_model.onnx`. */
  readonly variant?: string;
  /** Pictures or texts in a run. Default 8. */
  readonly batchSize?: number;
  /** Another build of transformers.js, for the tokeniser. Default: the installed `@xenova/transformers`. */
  readonly lib?: TransformersLibrary;
  readonly signal?: AbortSignal;
}

/** Pictures and texts as vectors of one space: for {@link clipScore}; pictures' vectors also as features. */
export interface Clip extends TextImageEncoder, FeatureExtractor {
  /** Frees what the engine holds. */
  dispose(): Promise<void>;
}

/** Tokens of a text, in all of OpenAI's models. */
const usualTokens = 77;

/**
 * A CLIP as transformers.js has it: `onnx/text_model.onnx` and `onnx/vision_model.onnx` (also without `onnx/`, or both in one
 * `model.onnx`), `tokenizer.json` or CLIP's vocabulary, and `preprocessor_config.json`. Pictures are resized as Pillow does.
 *
 * @throws {SecateurError} BAD_FILE, IO naming what is missing or damaged; BAD_CONFIG; MISSING_DEPENDENCY without
 *   transformers.js; and what the engine throws
 */
export async function loadClip(folder: SourceFolder, options: ClipOptions): Promise<Clip> {
  const { engine, threads, variant, batchSize = 8, signal, name = lastPart(folder.name) } = options;
  const tokenizer = await loadTokenizer(folder, { lib: options.lib });
  const file = 'preprocessor_config.json';
  const config = await readObject(folder, file);
  const how = readPreprocessorConfig(config, file);
  const vision = withSize(await part(folder, 'vision_model', 'image_embeds', variant), sideOf(config), how.mean.length);
  const text = await part(folder, 'text_model', 'text_embeds', variant);
  const pictures = await modelFeatures(vision, { engine, threads, name, preprocess: how, batchSize, signal });
  const texts = await engine.compile(text.graph, { threads, signal });
  return {
    ...pictures,
    encodeImages: (images, own) => pictures.extract(images, own),
    async encodeTexts(given, { signal: own } = {}) {
      const rows: Float32Array[] = [];
      for (let from = 0; from < given.length; from += batchSize) {
        throwIfAborted(own ?? signal);
        rows.push(await textRows(texts, text, tokenizer, given.slice(from, from + batchSize)));
      }
      return float32([given.length, pictures.dims], Float32Array.from(rows.flatMap((row) => [...row])));
    },
    async dispose() {
      await pictures.dispose?.();
      await texts.dispose();
    },
  };
}

/** One half of a CLIP, of a file of its own or of the one that has both. */
async function part(folder: SourceFolder, name: string, output: string, variant: string | undefined): Promise<Model> {
  const suffix = variant === undefined ? '' : `_${variant}`;
  const paths = [name, 'model'].flatMap((each) => [`onnx/${each}${suffix}.onnx`, `${each}${suffix}.onnx`]);
  for (const path of paths) {
    if (!(await folder.has(path))) continue;
    const model = await onnxFormat.load({ file: await folder.open(path), folder: beside(folder, path) });
    return { ...model, graph: subgraph(model.graph, [output]) };
  }
  throw new SecateurError('BAD_FILE', `${folder.name} has no ${paths[0]}.`, {
    file: folder.name,
    field: paths[0],
    hint: `It may also be ${paths.slice(1).join(', ')}.`,
  });
}

/** Where a file's external data lies. */
function beside(folder: SourceFolder, path: string): SourceFolder {
  const prefix = path.slice(0, path.lastIndexOf('/') + 1);
  return { ...folder, has: (file) => folder.has(prefix + file), open: (file) => folder.open(prefix + file) };
}

/** The size that pictures are cut to. */
function sideOf({ crop_size: crop, size }: Readonly<Record<string, unknown>>): number {
  for (const given of [crop, size]) {
    const sides = typeof given === 'object' && given !== null ? (given as Record<string, unknown>) : { side: given };
    const side = [sides.side, sides.height, sides.shortest_edge].find((value) => Number.isSafeInteger(value));
    if (typeof side === 'number' && side > 0 && side <= 4096) return side;
  }
  throw new SecateurError('BAD_CONFIG', 'preprocessor_config.json says no size that pictures are cut to.', {
    file: 'preprocessor_config.json',
    field: 'crop_size',
  });
}

/** The model with the picture size that exports often leave open. */
function withSize(model: Model, side: number, channels: number): Model {
  const inputs = model.graph.inputs.map((input) => {
    const [batch, ...rest] = input.shape;
    if (batch === undefined || rest.length !== 3) return input;
    return {
      ...input,
      shape: [batch, ...rest.map((dim, i) => (typeof dim === 'number' ? dim : i === 0 ? channels : side))],
    };
  });
  return { ...model, graph: { ...model.graph, inputs } };
}

async function textRows(
  executable: Executable,
  { graph }: Model,
  tokenizer: Tokenizer,
  texts: readonly string[],
): Promise<Float32Array> {
  const length = tokenizer.maxLength ?? usualTokens;
  const encoded = texts.map((text) => encodePrompt(tokenizer, text, length));
  const matrix = (rows: readonly (readonly number[])[]): Tensor => int64(rows.flat(), [rows.length, length]);
  const feeds: Record<string, Tensor> = {
    input_ids: matrix(encoded.map(({ ids }) => ids)),
    attention_mask: matrix(encoded.map(({ mask }) => mask)),
  };
  const given = graph.inputs.map(({ name, dtype }) => {
    if (feeds[name]) return [name, castTensor(feeds[name], dtype)] as const;
    throw new SecateurError('BAD_FILE', `${graph.name} needs ${name}, which is none of CLIP’s inputs.`, {
      field: name,
    });
  });
  const output = graph.outputs[0].name;
  const results = await executable.run(Object.fromEntries(given), { outputs: [output] });
  return toFloat32(results[output]);
}

function lastPart(path: string): string {
  return path
    .replace(/[\\/]+$/, '')
    .split(/[\\/]/)
    .at(-1)!;
}
