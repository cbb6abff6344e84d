import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadModel, saveModel } from '../src/index.js';
import { existsSync, join, scratch, secateur, snapshot, tinyModel } from './run-cli.js';

const weights = 'diffusion_pytorch_model.safetensors';
const index = `${weights}.index.json`;

interface Tensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  data_offsets: [number, number];
}

/** The tiny model in two shards: tensors before `mid_block` in the first, the rest in the second. */
async function shardedModel(folder: string): Promise<string> {
  const model = await tinyModel(folder);
  const path = join(model, weights);
  const file = readFileSync(path);
  const length = Number(file.readBigUInt64LE(0));
  const { __metadata__: metadata, ...tensors } = JSON.parse(file.subarray(8, 8 + length).toString()) as Record<
    string,
    Tensor
  >;
  const weightMap: Record<string, string> = {};
  let total = 0;
  for (const [shard, has] of [
    ['1.safetensors', (name: string) => name < 'mid_block'],
    ['2.safetensors', (name: string) => name >= 'mid_block'],
  ] as const) {
    const header: Record<string, unknown> = { __metadata__: metadata };
    const parts: Buffer[] = [];
    let offset = 0;
    for (const [name, tensor] of Object.entries(tensors)) {
      if (!has(name)) continue;
      const [begin, end] = tensor.data_offsets;
      header[name] = { ...tensor, data_offsets: [offset, offset + end - begin] };
      parts.push(file.subarray(8 + length + begin, 8 + length + end));
      offset += end - begin;
      weightMap[name] = shard;
    }
    total += offset;
    const json = Buffer.from(JSON.stringify(header));
    const size = Buffer.alloc(8);
    size.writeBigUInt64LE(BigInt(json.length));
    writeFileSync(join(model, shard), Buffer.concat([size, json, ...parts]));
  }
  rmSync(path);
  writeFileSync(join(model, index), JSON.stringify({ metadata: { total_size: total }, weight_map: weightMap }));
  return model;
}

/** Pruning and conversion must both fail with one error, code 2, nothing written or changed. */
async function refused(folder: string, model: string, message: RegExp): Promise<void> {
  const before = snapshot(folder);
  const out = join(folder, 'out');
  for (const argv of [
    ['prune', model, '--method', 'magnitude', '--space', '2:4', '--out', out, '--no-latency', '--no-pictures'],
    ['convert', model, out, '--dtype', 'fp16'],
  ]) {
    const { code, stdout, stderr } = await secateur([...argv, '--quiet']);
    expect(stderr).toMatch(message);
    expect(stderr.match(/^error: /gm)).toHaveLength(1);
    expect(stderr).not.toContain('INTERNAL');
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(snapshot(folder)).toEqual(before);
  }
}

describe('a checkpoint in shards', () => {
  it('gives what the same checkpoint in one file gives', async () => {
    const folder = scratch();
    const one = await tinyModel(scratch());
    const model = await shardedModel(folder);
    for (const [source, out] of [
      [one, join(folder, 'a')],
      [model, join(folder, 'b')],
    ] as const) {
      expect((await secateur(['convert', source, out, '--dtype', 'bf16', '--quiet'])).code).toBe(0);
    }
    expect(readFileSync(join(folder, 'b', weights)).equals(readFileSync(join(folder, 'a', weights)))).toBe(true);
  });

  it.each<[string, (model: string, index: Record<string, never>) => void, RegExp]>([
    ['a shard is missing', (model) => rmSync(join(model, '2.safetensors')), /2\.safetensors.*does not exist/],
    [
      'a shard that is not there is named',
      (_, { weight_map: map }) => Object.assign(map, { 'conv_in.weight': '3.safetensors' }),
      /3\.safetensors/,
    ],
    [
      'a tensor is in another shard',
      (_, { weight_map: map }) => Object.assign(map, { 'conv_in.weight': '2.safetensors' }),
      /conv_in\.weight is in 1\.safetensors; the index says 2\.safetensors/,
    ],
    [
      'a tensor is not listed',
      (_, { weight_map: map }) => delete (map as Record<string, string>)['conv_in.bias'],
      /conv_in\.bias is in 1\.safetensors; the index does not list it/,
    ],
    [
      'the total is another',
      (_, { metadata }) => Object.assign(metadata, { total_size: 709_704 }),
      /states 709704 bytes of tensors; its shards hold 709708/,
    ],
    [
      'a shard is cut short',
      (model) => truncateSync(join(model, '2.safetensors'), 100_000),
      /2\.safetensors: Tensor .* data_offsets/,
    ],
  ])('is told when %s', async (_, change, message) => {
    const folder = scratch();
    const model = await shardedModel(folder);
    const parsed = JSON.parse(readFileSync(join(model, index), 'utf8'));
    change(model, parsed);
    writeFileSync(join(model, index), JSON.stringify(parsed));
    await refused(folder, model, message);
  });
});

describe('an ONNX file whose weights lie beside it', () => {
  it.each([
    ['missing', (path: string) => rmSync(path), /external data file diffusion_pytorch_model\.safetensors is missing/],
    [
      'cut short',
      (path: string) => truncateSync(path, 300_000),
      /past the end of diffusion_pytorch_model\.safetensors/,
    ],
  ])('is told when they are %s', async (_, change, message) => {
    const folder = scratch();
    const both = join(folder, 'both');
    const made = await secateur(['convert', await tinyModel(folder), both, '--to', 'diffusers,onnx', '--quiet']);
    expect(made.code).toBe(0);
    change(join(both, weights));
    await refused(folder, join(both, 'model.onnx'), message);
  });
});

it('weights that are not those of their config.json: the first is named', async () => {
  const folder = scratch();
  const model = await tinyModel(folder);
  const path = join(model, 'config.json');
  const config = JSON.parse(readFileSync(path, 'utf8'));
  writeFileSync(path, JSON.stringify({ ...config, block_out_channels: [16, 64] }));
  await refused(
    folder,
    model,
    /The weights do not fit the model: down_blocks\.1\.resnets\.0\.conv1\.weight has shape \[32, 16, 3, 3\], expected \[64, 16/,
  );
});

it('a checkpoint that is cut short while it is read: nothing is written', async () => {
  const folder = scratch();
  const path = await tinyModel(folder);
  const model = await loadModel(path);
  truncateSync(join(path, weights), 300_000);
  const before = snapshot(folder);
  for (const dtype of [undefined, 'float16'] as const) {
    await expect(saveModel(model, join(folder, 'out'), { dtype })).rejects.toMatchObject({
      code: 'BAD_FILE',
      message: expect.stringContaining('became shorter while it was being read'),
    });
    expect(snapshot(folder)).toEqual(before);
  }
});

const program = fileURLToPath(new URL('../dist/bin.js', import.meta.url));

/** Files of this process may grow to 200 KiB; writing more fails as a full disk does. The checkpoint has 709 KB. */
describe.skipIf(process.platform === 'win32' || !existsSync(program))('a disk that takes no more', () => {
  it.each([
    ['prune', 'MODEL', '--method', 'magnitude', '--space', '2:4', '--out', 'OUT', '--no-latency', '--no-pictures'],
    ['convert', 'MODEL', 'OUT', '--dtype', 'fp16'],
    ['convert', 'MODEL', 'OUT.onnx'],
  ])('%s leaves nothing half written', async (...words) => {
    const folder = scratch();
    const model = await tinyModel(folder);
    const before = snapshot(folder);
    const argv = words.map((word) => word.replace('MODEL', model).replace(/^OUT/, join(folder, 'out')));
    const limited = 'trap "" XFSZ; ulimit -f 200; exec "$@"';
    const ended = spawnSync('bash', ['-c', limited, 'bash', process.execPath, program, ...argv, '--quiet'], {
      encoding: 'utf8',
    });
    expect(ended.stderr).toMatch(/^error: .*(too large|full)/);
    expect(ended.stderr.match(/^error: /gm)).toHaveLength(1);
    expect(ended.status).toBe(2);
    expect(snapshot(folder)).toEqual(before);
  });
});
