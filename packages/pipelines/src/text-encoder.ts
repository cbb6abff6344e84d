import type { Logger, Model } from '@secateur/core';
import { int64, SecateurError, type Tensor } from '@secateur/graph';
import { encodePrompt, type Tokenizer } from '@secateur/transformers';
import { modelRunner, type RunnerOptions } from './model-runner.js';
import { type Feeds, runRows } from './rows.js';

/**
 * What a pipeline reads of a text encoder: the last layer's states; those before it; the vector of the whole text, projected
 * or not.
 */
export type TextOutput = 'last' | 'penultimate' | 'projected' | 'pooled';

export interface TextEncoder {
  /** Its folder: `text_encoder`, `text_encoder_2`, … */
  readonly name: string;
  /** Width of an output, where the graph says. */
  width(output: TextOutput): number | undefined;
  /** @returns by output: `[texts, tokens, width]`, or `[texts, width]`; and `mask` `[texts, tokens]` int64 */
  encode(texts: readonly string[], options: EncodeOptions): Promise<Record<TextOutput | 'mask', Tensor>>;
  dispose(): Promise<void>;
}

export interface EncodeOptions {
  readonly batchSize: number;
  readonly signal?: AbortSignal;
}

export interface TextEncoderParts {
  readonly name: string;
  readonly model: Model;
  readonly config: Readonly<Record<string, unknown>>;
  readonly tokenizer: Tokenizer;
  readonly outputs: readonly TextOutput[];
  /** Tokens of a prompt. Default: the tokeniser's. */
  readonly tokens?: number;
  /** Whether padding is told apart from the prompt, for encoders that take a mask. Default: all tokens count. */
  readonly masksPadding?: boolean;
}

/** @throws {SecateurError} BAD_CONFIG when the model lacks an output */
export function textEncoder(parts: TextEncoderParts, options: RunnerOptions & { logger: Logger }): TextEncoder {
  const { name, model, config, tokenizer } = parts;
  const names = new Map(parts.outputs.map((output) => [output, outputName(name, model, config, output)]));
  const runner = modelRunner(model, [...new Set(names.values())], options);
  const takesMask = runner.inputs.some((input) => input.name === 'attention_mask');
  const tokens = parts.tokens ?? tokenizer.maxLength ?? numberOf(config.max_position_embeddings);
  return {
    name,
    dispose: () => runner.dispose(),
    width(output) {
      const value = model.graph.outputs.find((each) => each.name === names.get(output));
      const width = value?.shape.at(-1);
      return typeof width === 'number' ? width : undefined;
    },
    async encode(texts, { batchSize, signal }) {
      const encoded = texts.map((text) => encodePrompt(tokenizer, text, tokens));
      for (const { cut } of encoded) if (cut) options.logger.warn(cutWarning(name, tokens!, cut));
      checkVocabulary(
        name,
        tokenizer,
        config,
        encoded.flatMap(({ ids }) => ids),
      );
      const matrix = (rows: readonly (readonly number[])[]) => int64(rows.flat(), [rows.length, tokens!]);
      const mask = matrix(encoded.map(({ mask: own }) => (parts.masksPadding ? own : own.map(() => 1))));
      const rows: Feeds = {
        input_ids: matrix(encoded.map(({ ids }) => ids)),
        ...(takesMask && { attention_mask: mask }),
      };
      const results = await runner.use((executable) =>
        runRows(executable, runner.inputs, rows, { batchSize, outputs: [...new Set(names.values())], signal }),
      );
      const byOutput = Object.fromEntries([...names].map(([output, value]) => [output, results[value]]));
      return { ...byOutput, mask } as Record<TextOutput | 'mask', Tensor>;
    },
  };
}

function cutWarning(name: string, tokens: number, cut: string): string {
  const quoted = cut.length > 200 ? `${cut.slice(0, 200)}…` : cut;
  return `The prompt is longer than the ${tokens} tokens that ${name} takes; left out: ${JSON.stringify(quoted)}`;
}

/** The name that the graph has for an output: ours, or that of optimum's exports. */
function outputName(
  part: string,
  { graph }: Model,
  config: Readonly<Record<string, unknown>>,
  output: TextOutput,
): string {
  // States have an axis of tokens, vectors have none: `out` may be either.
  const rank = output === 'last' || output === 'penultimate' ? 3 : 2;
  const has = (name: string): boolean => graph.outputs.some((each) => each.name === name && each.shape.length === rank);
  const layers = numberOf(config.num_hidden_layers);
  const candidates = {
    last: ['last_hidden_state', 'out'],
    penultimate: layers === undefined ? [] : [`hidden_states.${layers - 1}`],
    projected: ['text_embeds', 'out'],
    pooled: ['pooler_output'],
  }[output];
  const found = candidates.find(has);
  if (found) return found;
  const hint = `It has ${graph.outputs.map(({ name }) => name).join(', ')}.`;
  const wanted = candidates[0] ?? 'hidden states (its config.json does not say num_hidden_layers)';
  throw new SecateurError('BAD_CONFIG', `${part} has no output ${wanted}.`, { file: part, field: candidates[0], hint });
}

function checkVocabulary(
  name: string,
  tokenizer: Tokenizer,
  { vocab_size: size }: Readonly<Record<string, unknown>>,
  ids: readonly number[],
): void {
  const limit = numberOf(size);
  const outside = limit === undefined ? undefined : ids.find((id) => id >= limit);
  if (outside === undefined) return;
  throw new SecateurError('BAD_DATA', `${tokenizer.name} has token ${outside}; ${name} knows tokens below ${limit}.`, {
    file: tokenizer.name,
    field: 'vocab_size',
    hint: 'The tokeniser belongs to another text encoder.',
  });
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : undefined;
}
