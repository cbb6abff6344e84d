import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { memoryFolder, memoryOutput, type SourceFolder, subfolder } from '@secateur/core';
import { diffusersFormat, modelClassOf, modelFromWeights, weightsFrom } from '@secateur/diffusers';
import { type Constant, constantOf, float32, parameterNamed, renameValues, subgraph } from '@secateur/graph';
import { onnxFormat } from '@secateur/onnx';
import { fixturePath, namedWeights } from '@secateur/testkit';

/** A pipeline of tools/reference/pipelines.py with its weights and tokenisers, by path. */
export async function tinyFiles(name: string): Promise<Record<string, Uint8Array>> {
  const root = fixturePath(`pipelines/${name}`);
  const files: Record<string, Uint8Array> = {};
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files[relative(root, path)] = readFileSync(path);
  }
  for (const path of Object.keys(files).filter((each) => each.endsWith('/config.json'))) {
    const part = path.slice(0, -'config.json'.length);
    for (const [file, bytes] of await withWeights(JSON.parse(Buffer.from(files[path]).toString()))) {
      files[part + file] = bytes;
    }
  }
  const hasTwo = name === 'sdxl' || name === 'sd3';
  for (const part of name === 'dit' || name === 'pixart' ? [] : hasTwo ? ['tokenizer', 'tokenizer_2'] : ['tokenizer']) {
    const padsWithMarks = part === 'tokenizer_2' || name === 'sd2' || name === 'lcm';
    for (const file of ['vocab.json', 'merges.txt', 'tokenizer_config.json']) {
      const from = padsWithMarks && file === 'tokenizer_config.json' ? 'tokenizer-2' : 'tokenizer';
      files[`${part}/${file}`] = readFileSync(fixturePath(`pipelines/${from}/${file}`));
    }
  }
  const t5 = { sd3: 'tokenizer_3', flux: 'tokenizer_2', pixart: 'tokenizer' }[name];
  for (const file of t5 ? ['tokenizer.json', 'tokenizer_config.json'] : []) {
    files[`${t5}/${file}`] = readFileSync(fixturePath(`pipelines/t5/${file}`));
  }
  return files;
}

export async function tinyFolder(name: string): Promise<SourceFolder> {
  return memoryFolder(await tinyFiles(name), name);
}

async function withWeights(config: Record<string, unknown>): Promise<Map<string, Uint8Array>> {
  const weights = new Map<string, Constant>();
  for (const { name, shape, init, buffer } of modelClassOf(config).tensors(config)) {
    const values = init.kind === 'computed' ? init.compute() : namedWeights(name, shape);
    weights.set(name, constantOf(float32(shape, values), parameterNamed(name, shape, buffer)));
  }
  const out = memoryOutput();
  await diffusersFormat.save(modelFromWeights('tiny', config, weightsFrom(weights)), out);
  await out.commit();
  return out.files;
}

/** The same pipeline as optimum exports it: an ONNX file for each part. */
export async function tinyOnnxFiles(name: string): Promise<Record<string, Uint8Array>> {
  const all = await tinyFiles(name);
  const folder = memoryFolder(all, name);
  const files = Object.fromEntries(Object.entries(all).filter(([path]) => !path.endsWith('.safetensors')));
  for (const part of ['unet', 'vae', 'text_encoder', 'text_encoder_2']) {
    if (!(await folder.has(`${part}/config.json`))) continue;
    const model = await diffusersFormat.load({ folder: subfolder(folder, part) });
    for (const { folder: inner, outputs, names } of model.parts ?? [{ folder: '', outputs: undefined, names: {} }]) {
      const half = outputs ? subgraph(model.graph, outputs) : model.graph;
      const out = memoryOutput();
      await onnxFormat.save({ ...model, graph: renameValues(half, names) }, out);
      await out.commit();
      const place = inner || part;
      files[`${place}/model.onnx`] = out.files.get('model.onnx')!;
      files[`${place}/config.json`] = all[`${part}/config.json`];
    }
    if (part === 'vae') delete files['vae/config.json'];
  }
  return files;
}
