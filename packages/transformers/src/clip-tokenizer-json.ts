import { SecateurError } from '@secateur/graph';
import type { JsonObject } from './read-json.js';

/** What CLIP's own tokeniser is made of, as old folders hold it. */
export interface ClipFiles {
  /** `vocab.json`: ids by token. */
  readonly vocab: JsonObject;
  /** `merges.txt`: a pair a line, the first line a version. */
  readonly merges: string;
  readonly special: SpecialTokens;
  /** `added_tokens.json` and `added_tokens_decoder`: ids by token. */
  readonly added: Readonly<Record<string, number>>;
}

export interface SpecialTokens {
  readonly bos: string;
  readonly eos: string;
  readonly unk: string;
  readonly pad: string;
}

/** Most entries of a vocabulary: CLIP's has 49,408. */
const maxEntries = 2 ** 22;

/** Words, single digits, runs of other signs; English endings such as `'s` by themselves. */
const pieces = "<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";

/**
 * The `tokenizer.json` that stands for CLIP's byte-level BPE: text composed and in lower case, cut into words, the bytes of
 * each word merged by rank, the last of its tokens marked `</w>`; start and end of text around it all.
 *
 * @throws {SecateurError} BAD_FILE when the vocabulary or the merges are malformed, or a special token has no id
 */
export function clipTokenizerJson({ vocab, merges, special, added }: ClipFiles): JsonObject {
  const ids = checkedVocab(vocab);
  const idOf = (token: string): number => {
    const id = ids[token] ?? added[token];
    if (id !== undefined) return id;
    throw new SecateurError('BAD_FILE', `vocab.json has no entry for the special token ${JSON.stringify(token)}.`, {
      file: 'vocab.json',
      field: token,
      hint: 'It belongs to another tokeniser, or is cut short.',
    });
  };
  const tokens = new Map(Object.entries(added));
  for (const token of Object.values(special) as string[]) tokens.set(token, idOf(token));
  const byId = [...tokens].sort(([, a], [, b]) => a - b);
  return {
    version: '1.0',
    added_tokens: byId.map(([content, id]) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'NFC' },
        { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' },
        { type: 'Lowercase' },
      ],
    },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: pieces }, behavior: 'Removed', invert: true },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
      ],
    },
    post_processor: {
      type: 'RobertaProcessing',
      sep: [special.eos, idOf(special.eos)],
      cls: [special.bos, idOf(special.bos)],
      trim_offsets: false,
      add_prefix_space: false,
    },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: special.unk,
      continuing_subword_prefix: '',
      end_of_word_suffix: '</w>',
      fuse_unk: false,
      vocab: ids,
      merges: mergesOf(merges),
    },
  };
}

function checkedVocab(vocab: JsonObject): Readonly<Record<string, number>> {
  const entries = Object.entries(vocab);
  const isId = (id: unknown) => Number.isSafeInteger(id) && Number(id) >= 0 && Number(id) < maxEntries;
  const bad = entries.find(([, id]) => !isId(id));
  if (entries.length > 0 && entries.length <= maxEntries && !bad) return vocab as Readonly<Record<string, number>>;
  const said = bad
    ? `gives ${JSON.stringify(bad[0])} the id ${JSON.stringify(bad[1])}`
    : `has ${entries.length} entries`;
  throw new SecateurError('BAD_FILE', `vocab.json ${said}.`, {
    file: 'vocab.json',
    field: bad?.[0],
    hint: `It must map 1 to ${maxEntries} tokens to whole numbers below that.`,
  });
}

function mergesOf(text: string): string[] {
  const lines = text.split('\n').map((line) => line.replace(/\r$/, ''));
  const merges: string[] = [];
  for (const [i, line] of lines.entries()) {
    if (line === '' || (i === 0 && line.startsWith('#version'))) continue;
    if (!/^\S+ \S+$/.test(line)) {
      throw new SecateurError('BAD_FILE', `Line ${i + 1} of merges.txt is not a pair: ${line.slice(0, 80)}`, {
        file: 'merges.txt',
        field: `line ${i + 1}`,
      });
    }
    merges.push(line);
  }
  return merges;
}
