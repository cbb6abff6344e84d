import { createHash, type Hash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { bytesOf } from '@secateur/graph';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadModel } from '../../src/index.js';
import { fixturePath, join, secateur } from '../run-cli.js';

/**
 * What element pruning and conversion write, tensor by tensor and from histograms, against the bytes that the first
 * implementation wrote, which sorted whole tensors (when global, the whole model) in float32. SHA-256 of checkpoints and
 * masks; of ONNX files, of their weights.
 */
const known = JSON.parse(readFileSync(new URL('streamed-bytes.json', import.meta.url), 'utf8')) as Record<
  string,
  Record<string, string>
>;

const magnitude = [
  '--method magnitude --space 2:4',
  '--method magnitude --space 1:3',
  '--method magnitude --space elements --ratio 0.5',
  '--method magnitude --space elements --ratio 0.37 --selector global',
];
const others = [
  '--method random --space 2:4',
  '--method random --space elements --ratio 0.5',
  '--method random --space elements --ratio 0.8 --selector global',
  '--method lamp --space elements --ratio 0.6 --selector global',
  '--method magnitude --space 2:4 --dtype fp16',
];
const dtypes = ['--dtype fp32', '--dtype fp16', '--dtype bf16', '--to onnx', '--to onnx --dtype fp16'];

/** Transformers and convolutions, by dtype; linear weights of the ONNX file are transposed. */
const sources = {
  float32: { prune: [...magnitude, ...others], convert: [...dtypes, '--to diffusers,onnx'] },
  float16: { prune: [...magnitude, others[1]!, others[4]!], convert: [...dtypes, '--to diffusers,onnx'] },
  bfloat16: { prune: magnitude, convert: dtypes.slice(0, 2) },
  onnx: { prune: [...magnitude, others[0]!, others[2]!], convert: ['--dtype fp16'] },
};

let folder: string;
const path: Record<string, string> = {};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'secateur-streamed-'));
  path.float32 = fixturePath('unet2d-cond-sdxl');
  path.onnx = fixturePath('unet2d-tiny/model.onnx');
  for (const [dtype, flag] of [
    ['float16', 'fp16'],
    ['bfloat16', 'bf16'],
  ] as const) {
    path[dtype] = join(folder, dtype);
    await secateur(['convert', path.float32, path[dtype], '--dtype', flag, '--quiet']);
  }
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const cases = Object.entries(sources).flatMap(([source, commands]) =>
  Object.entries(commands).flatMap(([name, flags]) => flags.map((flag) => [source, `${name} ${flag}`] as const)),
);

it.each(cases)('%s: %s', async (source, command) => {
  const out = join(folder, 'out');
  const [name, ...flags] = command.split(' ');
  const argv =
    name === 'convert'
      ? [name, path[source]!, out, ...flags]
      : ['prune', path[source]!, '--out', out, '--no-latency', '--no-pictures', ...flags];
  const { code, stderr } = await secateur([...argv, '--replace', '--quiet']);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  expect(await hashesIn(out)).toEqual(known[`${source}: ${command}`]);
});

async function hashesIn(out: string): Promise<Record<string, string>> {
  const hashes: Record<string, string> = {};
  for (const file of readdirSync(out).sort()) {
    const hash = createHash('sha256');
    if (/\.safetensors$/.test(file)) hash.update(readFileSync(join(out, file)));
    else if (/\.onnx$/.test(file)) await hashWeights(join(out, file), hash);
    else continue;
    hashes[file] = hash.digest('hex');
  }
  return hashes;
}

async function hashWeights(onnx: string, hash: Hash): Promise<void> {
  const { graph } = await loadModel(onnx);
  const weights = [...graph.constants].filter(([, { parameter }]) => parameter).sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [name, constant] of weights) {
    hash.update(`${name} ${constant.dtype} ${constant.shape};`).update(bytesOf(await constant.read()));
  }
}
