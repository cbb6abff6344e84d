import type { SourceFolder } from '@secateur/core';
import { SecateurError } from '@secateur/graph';
import { clipTokenizerJson, type SpecialTokens } from './clip-tokenizer-json.js';
import { isObject, type JsonObject, readObject, readObjectIfAny, readText } from './read-json.js';

export interface TokenizerFiles {
  /** As in `tokenizer.json`. */
  readonly json: JsonObject;
  /** As in `tokenizer_config.json`, special tokens as plain text. */
  readonly config: JsonObject;
  readonly special: { readonly padId: number };
  readonly maxLength?: number;
}

/** Larger values mean "no limit": transformers writes 1e30. */
const longest = 2 ** 20;

/** Special tokens of CLIP, where no file says otherwise. */
const clipTokens: SpecialTokens = {
  bos: '<|startoftext|>',
  eos: '<|endoftext|>',
  unk: '<|endoftext|>',
  pad: '<|endoftext|>',
};

const kinds = ['bos_token', 'eos_token', 'unk_token', 'pad_token', 'sep_token', 'cls_token', 'mask_token'] as const;

/**
 * Reads a tokeniser's files, of either form.
 * @throws {SecateurError} BAD_FILE naming what is missing or damaged
 */
export async function tokenizerFiles(folder: SourceFolder): Promise<TokenizerFiles> {
  const config = (await readObjectIfAny(folder, 'tokenizer_config.json')) ?? {};
  const map = (await readObjectIfAny(folder, 'special_tokens_map.json')) ?? {};
  const named: Record<string, string> = {};
  for (const kind of kinds) {
    const token = textOf(config[kind]) ?? textOf(map[kind]);
    if (token !== undefined) named[kind] = token;
  }
  const json = (await readObjectIfAny(folder, 'tokenizer.json')) ?? (await clipJson(folder, config, named));
  const pad = named.pad_token ?? named.eos_token ?? clipTokens.pad;
  const { model_max_length: limit } = config;
  const maxLength = typeof limit === 'number' && limit > 0 && limit <= longest ? limit : undefined;
  return {
    json,
    config: { ...config, ...named },
    special: { padId: idIn(json, pad, folder.name) },
    ...(maxLength !== undefined && { maxLength }),
  };
}

async function clipJson(
  folder: SourceFolder,
  config: JsonObject,
  named: Readonly<Record<string, string>>,
): Promise<JsonObject> {
  const missing: string[] = [];
  for (const path of ['vocab.json', 'merges.txt']) if (!(await folder.has(path))) missing.push(path);
  if (missing.length > 0) {
    const hasSentencePiece = await folder.has('spiece.model');
    throw new SecateurError('BAD_FILE', `${folder.name} lacks tokenizer.json, and ${missing.join(' and ')}.`, {
      file: folder.name,
      field: missing[0],
      hint: hasSentencePiece
        ? 'spiece.model is not read: save the tokeniser anew with a current transformers, which writes tokenizer.json.'
        : 'A tokeniser is a tokenizer.json, or CLIP’s vocab.json and merges.txt. Copy the folder again.',
    });
  }
  return clipTokenizerJson({
    vocab: await readObject(folder, 'vocab.json'),
    merges: await readText(folder, 'merges.txt'),
    special: {
      bos: named.bos_token ?? clipTokens.bos,
      eos: named.eos_token ?? clipTokens.eos,
      unk: named.unk_token ?? clipTokens.unk,
      pad: named.pad_token ?? clipTokens.pad,
    },
    added: { ...numbersOf(await readObjectIfAny(folder, 'added_tokens.json')), ...decoderOf(config) },
  });
}

/** A token as text: plain, or an object with its `content`. */
function textOf(token: unknown): string | undefined {
  if (typeof token === 'string') return token;
  return isObject(token) && typeof token.content === 'string' ? token.content : undefined;
}

function numbersOf(json: JsonObject | undefined): Record<string, number> {
  return Object.fromEntries(Object.entries(json ?? {}).filter((entry): entry is [string, number] => isId(entry[1])));
}

/** `added_tokens_decoder`: tokens by id. */
function decoderOf({ added_tokens_decoder: decoder }: JsonObject): Record<string, number> {
  const added: Record<string, number> = {};
  for (const [id, token] of Object.entries(isObject(decoder) ? decoder : {})) {
    const text = textOf(token);
    if (text !== undefined && isId(Number(id))) added[text] = Number(id);
  }
  return added;
}

function isId(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** The id of a token, among added tokens and in the vocabulary: `{ token: id }`, or `[[token, score], …]` by rank. */
function idIn(json: JsonObject, token: string, folder: string): number {
  for (const added of Array.isArray(json.added_tokens) ? json.added_tokens : []) {
    if (isObject(added) && added.content === token && isId(added.id)) return Number(added.id);
  }
  const vocab = isObject(json.model) ? json.model.vocab : undefined;
  if (isObject(vocab) && Object.hasOwn(vocab, token) && isId(vocab[token])) return Number(vocab[token]);
  const rank = Array.isArray(vocab) ? vocab.findIndex((entry) => Array.isArray(entry) && entry[0] === token) : -1;
  if (rank >= 0) return rank;
  throw new SecateurError('BAD_FILE', `The tokeniser in ${folder} has no token ${JSON.stringify(token)} to pad with.`, {
    file: folder,
    field: 'pad_token',
  });
}
