import { readFileSync } from 'node:fs';
import { bytesSource, memoryFolder } from '@secateur/core';
import { fixturePath } from '@secateur/testkit';
import { describe, expect, it } from 'vitest';
import { encodePrompt, loadTokenizer, type Tokenizer } from '../src/index.js';

const read = (path: string) => readFileSync(fixturePath(`pipelines/${path}`));
const { texts, ids, ids2 } = JSON.parse(read('tokens.json').toString()) as Record<'texts', string[]> &
  Record<'ids' | 'ids2', number[][]>;

/** CLIP's vocabulary cut down; `pad` as Stable Diffusion 1 or 2 has it. */
const clipFiles = (config = 'tokenizer') => ({
  'vocab.json': read('tokenizer/vocab.json'),
  'merges.txt': read('tokenizer/merges.txt'),
  'tokenizer_config.json': read(`${config}/tokenizer_config.json`),
});
const clip = (config?: string) => loadTokenizer(memoryFolder(clipFiles(config), 'tokenizer'));

// transformers' ids: letters of many scripts, composed or not, emoji, signs that look like weights, special tokens as text.
describe('CLIP’s tokeniser, from vocab.json and merges.txt', () => {
  it.each(texts.map((text, i) => [text, i] as const))('gives transformers’ ids for %j', async (text, i) => {
    expect((await clip()).encode(text)).toEqual(ids[i]);
    expect((await clip('tokenizer-2')).encode(text)).toEqual(ids2[i]);
  });

  it('knows its length and what it pads with', async () => {
    const [first, second] = [await clip(), await clip('tokenizer-2')];
    expect(first).toMatchObject({ name: 'tokenizer', maxLength: 77, padId: ids[0].at(-1) });
    expect(second).toMatchObject({ maxLength: 77, padId: 0 });
    expect(first.decode(first.encode('A photo of a SNEAKER, at sea'))).toBe('a photo of a sneaker, at sea');
  });

  it('needs no tokenizer_config.json', async () => {
    const { 'tokenizer_config.json': _, ...files } = clipFiles();
    const tokenizer = await loadTokenizer(memoryFolder(files));
    expect(tokenizer.maxLength).toBeUndefined();
    expect(tokenizer.encode(texts[0])).toEqual(ids[0]);
  });

  it.each([
    ['vocab.json', undefined, /lacks tokenizer\.json, and vocab\.json/],
    ['merges.txt', undefined, /lacks tokenizer\.json, and merges\.txt/],
    ['merges.txt', 'a b\na b c\n', /Line 2 of merges\.txt is not a pair/],
    ['merges.txt', Buffer.from([0xff, 0xfe]), /is not UTF-8/],
    ['vocab.json', '{"a": -1}', /gives "a" the id -1/],
    ['vocab.json', '{}', /has 0 entries/],
    ['vocab.json', '[]', /must hold a JSON object/],
    ['vocab.json', '{"a": 0}', /no entry for the special token "<\|startoftext\|>"/],
    ['tokenizer_config.json', '{', /tokenizer_config\.json/],
    ['tokenizer.json', '{"model": {"type": "BPE", "vocab": {"<|endoftext|>": 0}}}', /cannot be read/],
    ['tokenizer.json', '{"model": {"type": "Unigram", "vocab": [["a", 0]]}}', /no token "<\|endoftext\|>" to pad with/],
  ])('says what is wrong with %s: %j', async (path, content, message) => {
    const files: Record<string, Uint8Array> = { ...clipFiles() };
    if (content === undefined) delete files[path];
    else files[path] = typeof content === 'string' ? Buffer.from(content) : content;
    await expect(loadTokenizer(memoryFolder(files, 'tokenizer'))).rejects.toMatchObject({
      code: 'BAD_FILE',
      message: expect.stringMatching(message),
    });
  });

  it('refuses files that are too large before it reads them', async () => {
    const huge = { ...bytesSource('vocab.json', new Uint8Array(0)), size: 2 ** 40 };
    const folder = memoryFolder({ 'vocab.json': huge, 'merges.txt': read('tokenizer/merges.txt') });
    await expect(loadTokenizer(folder)).rejects.toMatchObject({ code: 'BAD_FILE', file: 'vocab.json' });
  });
});

describe('T5’s tokeniser, from tokenizer.json', () => {
  const files = {
    'tokenizer.json': read('t5/tokenizer.json'),
    'tokenizer_config.json': read('t5/tokenizer_config.json'),
  };
  const golden = JSON.parse(read('t5/tokens.json').toString()) as { texts: string[]; ids: number[][] };

  it.each(golden.texts.map((text, i) => [text, i] as const))('gives transformers’ ids for %j', async (text, i) => {
    expect((await loadTokenizer(memoryFolder(files))).encode(text)).toEqual(golden.ids[i]);
  });

  it('pads with its own token, and names the file it cannot read', async () => {
    expect(await loadTokenizer(memoryFolder(files))).toMatchObject({ padId: 0 });
    const old = memoryFolder({ 'spiece.model': new Uint8Array(8) }, 'tokenizer');
    await expect(loadTokenizer(old)).rejects.toMatchObject({
      code: 'BAD_FILE',
      hint: expect.stringContaining('spiece.model is not read'),
    });
  });
});

describe('encodePrompt', () => {
  /** One token a letter, its code; 1 and 2 around. */
  const letters: Tokenizer = {
    name: 'letters',
    maxLength: 5,
    padId: 9,
    encode: (text) => [1, ...Array.from(text, (letter) => letter.charCodeAt(0)), 2],
    decode: (tokens) => String.fromCharCode(...tokens),
  };

  it('pads, and masks the padding', () => {
    expect(encodePrompt(letters, 'a')).toEqual({ ids: [1, 97, 2, 9, 9], mask: [1, 1, 1, 0, 0] });
    expect(encodePrompt(letters, '')).toEqual({ ids: [1, 2, 9, 9, 9], mask: [1, 1, 0, 0, 0] });
    expect(encodePrompt(letters, 'abc')).toEqual({ ids: [1, 97, 98, 99, 2], mask: [1, 1, 1, 1, 1] });
  });

  it('cuts before the closing token and says what went', () => {
    expect(encodePrompt(letters, 'abcde')).toEqual({ ids: [1, 97, 98, 99, 2], mask: [1, 1, 1, 1, 1], cut: 'de' });
    expect(encodePrompt(letters, 'abcde', 7).cut).toBeUndefined();
  });

  it('needs a length', () => {
    expect(() => encodePrompt({ ...letters, maxLength: undefined }, 'a')).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', field: 'length' }),
    );
  });
});

it('takes another build of the library, and says when there is none', async () => {
  const made: object[] = [];
  class Own {
    constructor(json: object) {
      made.push(json);
    }
  }
  const lib = { PreTrainedTokenizer: Own } as never;
  await loadTokenizer(memoryFolder(clipFiles()), { lib });
  expect(made).toMatchObject([{ model: { type: 'BPE' }, added_tokens: [{}, {}] }]);
});
