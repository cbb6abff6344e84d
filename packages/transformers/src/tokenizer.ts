import type { SourceFolder } from '@secateur/core';
import { SecateurError } from '@secateur/graph';
import { importTransformers, type TransformersLibrary } from './library.js';
import { tokenizerFiles } from './tokenizer-files.js';

/** Text to token ids and back. */
export interface Tokenizer {
  /** Where it was read from, for messages. */
  readonly name: string;
  /** Most tokens its text encoder takes; `undefined` where the tokeniser does not say. */
  readonly maxLength?: number;
  readonly padId: number;
  /** Ids of a text with the special tokens around it, however long. */
  encode(text: string): number[];
  /** The text of ids, special tokens left out. */
  decode(ids: readonly number[]): string;
}

export interface LoadTokenizerOptions {
  /** Another build of transformers.js. Default: the installed `@xenova/transformers`. */
  readonly lib?: TransformersLibrary;
}

/**
 * The tokeniser in a folder: from `tokenizer.json` where there is one, else from CLIP's `vocab.json` and `merges.txt`.
 *
 * @throws {SecateurError} BAD_FILE naming what is missing or damaged; MISSING_DEPENDENCY without transformers.js
 */
export async function loadTokenizer(folder: SourceFolder, options: LoadTokenizerOptions = {}): Promise<Tokenizer> {
  const { json, config, special, maxLength } = await tokenizerFiles(folder);
  const lib = await importTransformers(options.lib);
  let tokenizer: InstanceType<TransformersLibrary['PreTrainedTokenizer']>;
  try {
    tokenizer = new lib.PreTrainedTokenizer(json, config);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SecateurError('BAD_FILE', `The tokeniser in ${folder.name} cannot be read: ${reason}`, {
      file: folder.name,
      cause,
    });
  }
  const lowers = JSON.stringify(json.normalizer ?? null).includes('"Lowercase"');
  return {
    name: folder.name,
    ...(maxLength !== undefined && { maxLength }),
    padId: special.padId,
    encode: (text) => tokenizer(lowers ? plainSigma(text) : text, { return_tensor: false }).input_ids,
    decode: (ids) => tokenizer.decode(ids, { skip_special_tokens: true }).replaceAll('</w>', ' ').trim(),
  };
}

/**
 * JavaScript puts a capital sigma that ends a word into lower case as `ς`, the tokenisers’ own library as `σ` like any
 * other: so it is done beforehand.
 */
function plainSigma(text: string): string {
  return text.replaceAll('Σ', 'σ');
}

/** A prompt as a text encoder takes it. */
export interface EncodedPrompt {
  /** As many ids as were asked for. */
  readonly ids: readonly number[];
  /** 1 for tokens of the prompt, 0 for padding. */
  readonly mask: readonly number[];
  /** What did not fit, as text. */
  readonly cut?: string;
}

/**
 * A prompt padded or cut to a length. What is cut lies before the closing token, which stays.
 *
 * @param length  Default: the tokeniser's `maxLength`
 * @throws {SecateurError} BAD_OPTION when neither is known
 */
export function encodePrompt(
  tokenizer: Tokenizer,
  text: string,
  length: number | undefined = tokenizer.maxLength,
): EncodedPrompt {
  if (length === undefined) {
    throw new SecateurError('BAD_OPTION', `${tokenizer.name} does not say how many tokens a prompt may have.`, {
      field: 'length',
    });
  }
  const all = tokenizer.encode(text);
  if (all.length <= length) {
    const padding = length - all.length;
    return {
      ids: [...all, ...new Array<number>(padding).fill(tokenizer.padId)],
      mask: [...new Array<number>(all.length).fill(1), ...new Array<number>(padding).fill(0)],
    };
  }
  return {
    ids: [...all.slice(0, length - 1), all.at(-1)!],
    mask: new Array<number>(length).fill(1),
    cut: tokenizer.decode(all.slice(length - 1, -1)),
  };
}
