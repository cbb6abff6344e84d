import { defaultOps, defineOp, evaluateGraph, getFloat, getInt, float32, broadcastShapes, withOps, type Tensor, stridesOf, sizeOf } from '@secateur/graph';
import { loadFixtureTensors, relativeError } from '@secateur/testkit';
import { it } from 'vitest';
import { buildUNet2D, weightsFrom } from '../src/index.js';
import { constantsOf, feedsOf, readJson } from './support/fixtures.js';
import { readVariant, variants, variantWeights } from './support/variants.js';
const base = { infer: () => [], slots() {}, gradient: 'none' as const };
const unary = (op: string, f: (x: number) => number) => defineOp({ ...base, op, evaluate: ({ inputs }: any) => [float32(inputs[0].shape, Float32Array.from(inputs[0].data as any, (x: any) => f(Number(x))))] });
const binary = (op: string, f: (a: number, b: number) => number) => defineOp({ ...base, op, evaluate: ({ inputs }: any) => {
  const [a, b] = inputs as Tensor[]; const shape = broadcastShapes(a.shape, b.shape) as number[]; const out = new Float32Array(sizeOf(shape)); const st = stridesOf(shape);
  const idx = (t: Tensor, i: number) => { const s = stridesOf(t.shape); let o = 0; for (let d = 0; d < shape.length; d++) { const td = d - (shape.length - t.shape.length); if (td < 0) continue; const c = Math.floor(i / st[d]) % shape[d]; if (t.shape[td] !== 1) o += c * s[td]; } return o; };
  for (let i = 0; i < out.length; i++) out[i] = f(Number(a.data[idx(a, i)]), Number(b.data[idx(b, i)]));
  return [float32(shape, out)]; } });
const erf = (x: number) => { const n = 20000; let s = 0; const h = x / n; for (let i = 0; i < n; i++) { const t = (i + 0.5) * h; s += Math.exp(-t * t); } return (2 / Math.sqrt(Math.PI)) * s * h; };
const mine = [unary('Cast', (x) => x), unary('Sigmoid', (x) => 1 / (1 + Math.exp(-x))), unary('Sin', Math.sin), unary('Cos', Math.cos), unary('Log', Math.log), unary('Tanh', Math.tanh), unary('Softplus', (x) => Math.log1p(Math.exp(x))), unary('Relu', (x) => Math.max(0, x)), unary('Erf', erf), unary('Identity', (x) => x),
  binary('Mul', (a, b) => a * b), binary('Add', (a, b) => a + b), binary('Sub', (a, b) => a - b), binary('Div', (a, b) => a / b),
  defineOp({ ...base, op: 'Softmax', evaluate: ({ inputs }: any) => { const x = inputs[0]; const n = x.shape.at(-1); const out = new Float32Array(x.data.length); for (let r = 0; r < out.length; r += n) { let m = -Infinity, s = 0; for (let i = 0; i < n; i++) m = Math.max(m, x.data[r + i]); for (let i = 0; i < n; i++) s += out[r + i] = Math.exp(x.data[r + i] - m); for (let i = 0; i < n; i++) out[r + i] /= s; } return [float32(x.shape, out)]; } }),
  defineOp({ ...base, op: 'GroupNormalization', evaluate: ({ inputs, node }: any) => { const [x, w, b] = inputs; const g = getInt(node, 'num_groups', 0), e = getFloat(node, 'epsilon', 0); const [N, C] = x.shape; const hw = x.data.length / N / C; const size = (C / g) * hw; const out = new Float32Array(x.data.length); for (let i = 0; i < out.length; i += size) { let m = 0, v = 0; for (let j = 0; j < size; j++) m += x.data[i + j]; m /= size; for (let j = 0; j < size; j++) v += (x.data[i + j] - m) ** 2; v /= size; for (let j = 0; j < size; j++) { const c = Math.floor((i + j) / hw) % C; out[i + j] = ((x.data[i + j] - m) / Math.sqrt(v + e)) * w.data[c] + b.data[c]; } } return [float32(x.shape, out)]; } }),
];
const ops = withOps(defaultOps, mine.filter((r) => !defaultOps.has(`:${r.op}`)));
it('tiny', () => {
  const golden = loadFixtureTensors('unet2d-tiny/golden.safetensors');
  const { out } = evaluateGraph(buildUNet2D(readJson('unet2d-tiny/config.json'), weightsFrom(constantsOf('unet2d-tiny/diffusion_pytorch_model.safetensors'))), feedsOf(golden), { ops });
  console.log('tiny', relativeError(out.data as any, golden.out.data as any));
  const tp = loadFixtureTensors('unet2d-tiny/torch-pruning.safetensors');
  const o2 = evaluateGraph(buildUNet2D(readJson('unet2d-tiny/config.json'), weightsFrom(constantsOf('unet2d-tiny/torch-pruning.safetensors', 'pruned.'))), feedsOf(golden), { ops });
  console.log('pruned', relativeError(o2.out.data as any, tp['out.pruned'].data as any));
});
it.each(variants)('%s', (name) => {
  const v = readVariant(name); const golden = loadFixtureTensors(`unet2d-variants/${name}.safetensors`);
  const { out } = evaluateGraph(buildUNet2D(v.config, weightsFrom(variantWeights(v))), feedsOf(golden), { ops });
  console.log(name, relativeError(out.data as any, golden.out.data as any));
}, 600000);
