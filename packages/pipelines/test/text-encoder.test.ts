import { type Model, silentLogger } from '@secateur/core';
import { GraphBuilder, int, int64, symbol, toNumbers } from '@secateur/graph';
import type { Tokenizer } from '@secateur/transformers';
import { expect, it } from 'vitest';
import { textEncoder } from '../src/text-encoder.js';
import { fakeEngine } from './fake-model.js';

/** One token a letter, its code; 1 and 2 around. */
const tokenizer: Tokenizer = {
  name: 'letters',
  maxLength: 5,
  padId: 0,
  encode: (text) => [1, ...Array.from(text, (letter) => letter.charCodeAt(0)), 2],
  decode: (ids) => String.fromCharCode(...ids),
};

/** Gives ids times mask as numbers, `[batch, tokens, 1]`, under the names of optimum's exports. */
function model(withMask: boolean): Model {
  const builder = new GraphBuilder('text');
  const shape = [symbol('batch'), symbol('tokens')];
  let ids = builder.input('input_ids', 'int64', shape);
  if (withMask) ids = builder.op('Mul', [ids, builder.input('attention_mask', 'int64', shape)]);
  const states = builder.op('Unsqueeze', [builder.op('Cast', [ids], { to: int(1) }), builder.ints([2])]);
  builder.output(states, 'float32', [...shape, 1], 'last_hidden_state');
  return { name: 'text', graph: builder.build(), format: 'test', sizes: {}, files: async () => [] };
}

const setUp = (config: Record<string, unknown> = {}, options: { withMask?: boolean; masksPadding?: boolean } = {}) =>
  textEncoder(
    {
      name: 'text_encoder',
      model: model(options.withMask ?? false),
      config,
      tokenizer,
      outputs: ['last'],
      masksPadding: options.masksPadding,
    },
    { engine: fakeEngine(), keep: true, logger: silentLogger },
  );

it('pads, encodes, and tells its width', async () => {
  const encoder = setUp();
  expect(encoder.width('last')).toBe(1);
  expect(encoder.width('pooled')).toBeUndefined();
  const { last, mask } = await encoder.encode(['a', 'bc'], { batchSize: 1 });
  expect(last.shape).toEqual([2, 5, 1]);
  expect(toNumbers(last)).toEqual([1, 97, 2, 0, 0, 1, 98, 99, 2, 0]);
  expect(mask).toEqual(int64(new Array(10).fill(1), [2, 5]));
});

it('masks padding where it is told to', async () => {
  const { mask } = await setUp({}, { withMask: true, masksPadding: true }).encode(['a'], { batchSize: 1 });
  expect(toNumbers(mask)).toEqual([1, 1, 1, 0, 0]);
  const whole = await setUp({}, { withMask: true }).encode(['a'], { batchSize: 1 });
  expect(toNumbers(whole.mask)).toEqual([1, 1, 1, 1, 1]);
});

it('names an output that is not there, and a token that the encoder does not know', async () => {
  const make = () =>
    textEncoder(
      { name: 'text_encoder', model: model(false), config: {}, tokenizer, outputs: ['penultimate'] },
      { engine: fakeEngine(), keep: true, logger: silentLogger },
    );
  expect(make).toThrow(expect.objectContaining({ code: 'BAD_CONFIG', file: 'text_encoder' }));
  // States under the name of a vector are no vector.
  const { graph } = model(false);
  const renamed = { ...graph, outputs: graph.outputs.map((each) => ({ ...each, name: 'out' })) };
  const parts = { name: 'text_encoder_2', model: { ...model(false), graph: renamed }, config: {}, tokenizer };
  expect(() =>
    textEncoder({ ...parts, outputs: ['projected'] }, { engine: fakeEngine(), keep: true, logger: silentLogger }),
  ).toThrow(/no output text_embeds/);
  await expect(setUp({ vocab_size: 98 }).encode(['ab'], { batchSize: 1 })).rejects.toMatchObject({
    code: 'BAD_DATA',
    field: 'vocab_size',
    message: 'letters has token 98; text_encoder knows tokens below 98.',
  });
});
