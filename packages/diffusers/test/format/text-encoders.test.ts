import { type Model, memoryFolder, memoryOutput } from '@secateur/core';
import { constantOf, evaluateGraph, int64 } from '@secateur/graph';
import { writeSafetensors } from '@secateur/safetensors';
import { describe, expect, it } from 'vitest';
import { diffusersFormat, modelClassOf, weightsFrom } from '../../src/index.js';
import { inMemory } from '../support/fixtures.js';
import { readTextEncoder, type TextCase } from '../support/text-encoders.js';

const text = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

/** A safetensors file of the case's weights under other names. */
async function weightsFile(model: TextCase, storedNames: (name: string) => readonly string[]): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const tensors = [...model.weights].flatMap(([name, { dtype, shape, read }]) =>
    storedNames(name).map((stored) => ({ name: stored, dtype, shape, read })),
  );
  await writeSafetensors({ write: async (bytes) => void chunks.push(bytes.slice()), close: async () => {} }, tensors);
  return new Uint8Array(Buffer.concat(chunks));
}

async function folderOf(model: TextCase, storedNames = (name: string): readonly string[] => [name]) {
  return { 'config.json': text(model.config), 'model.safetensors': await weightsFile(model, storedNames) };
}

const load = (files: Record<string, Uint8Array>): Promise<Model> =>
  diffusersFormat.load({ folder: memoryFolder(files) });

async function save(model: Model) {
  const out = memoryOutput();
  await diffusersFormat.save(model, out);
  await out.commit();
  return Object.fromEntries(out.files);
}

async function outOf({ graph }: Model, { feeds }: TextCase): Promise<number[]> {
  return [...evaluateGraph(await inMemory(graph), feeds).out.data] as number[];
}

const namesIn = (file: Uint8Array): string[] =>
  Object.keys(
    JSON.parse(
      new TextDecoder().decode(
        file.subarray(8, 8 + Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true))),
      ),
    ),
  );

const clip = readTextEncoder('clip');
const t5 = readTextEncoder('t5-gated');
const withoutPrefix = (name: string) => [name.replace(/^text_model\./, '')];

describe('text encoders in folders', () => {
  it.each([clip, t5, readTextEncoder('clip-projection')])(
    'load and are copied byte by byte: $modelClass.name',
    async (model) => {
      const files = await folderOf(model);
      const loaded = await load(files);
      expect(loaded.className).toBe(model.modelClass.name);
      const saved = await save(loaded);
      for (const [path, bytes] of Object.entries(files)) expect(Buffer.compare(saved[path]!, bytes), path).toBe(0);
    },
  );

  it('load as components of a pipeline, from their own folder', async () => {
    const index = { text_encoder: ['transformers', 'CLIPTextModel'], tokenizer: ['transformers', 'CLIPTokenizer'] };
    const inner = await folderOf(clip);
    const files = Object.fromEntries(Object.entries(inner).map(([path, bytes]) => [`text_encoder/${path}`, bytes]));
    const loaded = await load({ 'model_index.json': text(index), ...files });
    expect(loaded.className).toBe('CLIPTextModel');
    expect(Object.keys(await save(loaded)).sort()).toEqual(['model_index.json', ...Object.keys(files)].sort());
  });

  it('read a CLIPTextModel as transformers 5 names it, and write it as all versions read it', async () => {
    const files = await folderOf(clip, withoutPrefix);
    const loaded = await load(files);
    expect(await outOf(loaded, clip)).toEqual(await outOf(await load(await folderOf(clip)), clip));
    // Untouched, the bytes stay.
    expect(Buffer.compare((await save(loaded))['model.safetensors']!, files['model.safetensors'])).toBe(0);
    const zeros = constantOf(await loaded.graph.constants.get('text_model.final_layer_norm.weight')!.read());
    const name = 'text_model.final_layer_norm.weight';
    const constants = new Map(loaded.graph.constants).set(name, {
      ...zeros,
      parameter: loaded.graph.constants.get(name)!.parameter,
    });
    const changed = await save({ ...loaded, graph: { ...loaded.graph, constants } });
    const names = namesIn(changed['model.safetensors']!).filter((stored) => stored !== '__metadata__');
    expect(names.every((stored) => stored.startsWith('text_model.'))).toBe(true);
    expect(names).toHaveLength(clip.weights.size);
  });

  it('pass over the numbers of positions that old checkpoints hold, and keep them', async () => {
    const ids = constantOf(int64([0, 1, 2], [1, 3]));
    const weights = new Map(clip.weights).set('text_model.embeddings.position_ids', ids);
    const files = await folderOf({ ...clip, weights });
    const loaded = await load(files);
    expect(await outOf(loaded, clip)).toEqual(await outOf(await load(await folderOf(clip)), clip));
  });

  it.each([
    ['under the encoder’s name alone', (name: string) => [name.replace('shared', 'encoder.embed_tokens')]],
    ['under both names', (name: string) => (name === 'shared.weight' ? [name, 'encoder.embed_tokens.weight'] : [name])],
  ])('read T5’s embedding %s', async (_, storedNames) => {
    const loaded = await load(await folderOf(t5, storedNames));
    expect(await outOf(loaded, t5)).toEqual(await outOf(await load(await folderOf(t5)), t5));
  });

  it('name what is wrong with the weights', async () => {
    const weights = new Map(clip.weights);
    weights.delete('text_model.final_layer_norm.bias');
    await expect(load(await folderOf({ ...clip, weights }))).rejects.toMatchObject({
      code: 'BAD_FILE',
      message: expect.stringContaining('text_model.final_layer_norm.bias is missing'),
    });
  });

  it('are written as one file where they were pruned, with a script', async () => {
    const removed = ['text_model.encoder.layers.0.self_attn'];
    const left = new Map([...clip.weights].filter(([name]) => !/layers\.0\.(?:self_attn|layer_norm1)\./.test(name)));
    const graph = modelClassOf(clip.config).build(clip.config, weightsFrom(left), { removed });
    const saved = await save({ ...(await load(await folderOf(clip))), graph });
    expect(Object.keys(saved).sort()).toEqual(['config.json', 'load_secateur.py', 'model.safetensors']);
    expect(new TextDecoder().decode(saved['load_secateur.py'])).toContain('import transformers');
    const { out } = evaluateGraph(graph, clip.feeds);
    expect(await outOf(await load(saved), clip)).toEqual([...out.data]);
  });
});
