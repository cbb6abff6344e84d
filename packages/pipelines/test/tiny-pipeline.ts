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
  for (const part of name === 'sdxl' ? ['tokenizer', 'tokenizer_2'] : name === 'dit' ? [] : ['tokenizer']) {
    const padsWithMarks = part === 'tokenizer_2' || name === 'sd2' || name === 'lcm';
    for (const file of ['vocab.json', 'merges.txt', 'tokenizer_config.json']) {
      const from = padsWithMarks && file === 'tokenizer_config.json' ? 'tokenizer-2' : 'tokenizer';
      files[`${part}/${file}`] = readFileSync(fixturePath(`pipelines/${from}/${file}`));
    }
  }
  return files;
}

export async function tinyFolder(name: string): Promise<SourceFolder> {
  return memoryFolder(await tinyFiles(name), name);
}

async function withWeights(config: Record<string, unknown>): Promise<Map<string, Uint8Array>> {
  const weights = new Map<string, Constant>();
  for (const { name, shape, init, buffer } of modelClassOf(config).tensors(config)) {
    if (init.kind === 'computed') continue;
    weights.set(name, constantOf(float32(shape, namedWeights(name, shape)), parameterNamed(name, shape, buffer)));
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
