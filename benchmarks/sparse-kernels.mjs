/**
 * Does sparsity become time? Layers of diffusion models on @secateur/sparse-wasm, dense and sparse, against onnxruntime-web's
 * WASM, one thread each. Every round runs every candidate once, beginning with another one each time; medians.
 *
 *   npm run build && node benchmarks/sparse-kernels.mjs [--ms 6000] [--shapes 'conv3 320'] [--isa simd|relaxed] [--clock cpu] [--guard]
 *     [--out benchmarks/results/sparse-kernels.json]
 *
 * On a machine that others use, --clock cpu counts the time that the process was running instead of the time that passed.
 *
 * --guard measures the bare kernels only and fails when a sparse one runs at less than 0.8 of the dense product's rate: an engine
 * or compiler that spills registers halves it. Masks are random: nothing here says what they cost in image quality.
 */
import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { constantOf, float32, GraphBuilder, ints } from '@secateur/graph';
import { encodeOnnx } from '@secateur/onnx';
import init, {
  createConvolution,
  createLinear,
  createRuntime,
  hasRelaxedSimd,
  packWeights,
} from '@secateur/sparse-wasm';
import { median } from './measured-process.mjs';

const { values: args } = parseArgs({
  options: {
    ms: { type: 'string', default: '6000' },
    shapes: { type: 'string', default: '.' },
    isa: { type: 'string', default: 'simd' },
    clock: { type: 'string', default: 'wall' },
    guard: { type: 'boolean', default: false },
    out: { type: 'string' },
  },
});

/** The layers of DDPM, Stable Diffusion and U-ViT. `copies` layers in a row spread the cost of a call of a session. */
const shapes = [
  { name: 'conv3 128 @32x32', channels: 128, size: 32, kernel: 3, copies: 2 },
  { name: 'conv3 256 @16x16', channels: 256, size: 16, kernel: 3, copies: 2 },
  { name: 'conv3 256 @8x8', channels: 256, size: 8, kernel: 3, copies: 4 },
  { name: 'conv3 256 @4x4', channels: 256, size: 4, kernel: 3, copies: 8 },
  { name: 'conv1 256 @16x16', channels: 256, size: 16, kernel: 1, copies: 8 },
  { name: 'conv3 320 @64x64', channels: 320, size: 64, kernel: 3, copies: 1 },
  { name: 'conv3 640 @32x32', channels: 640, size: 32, kernel: 3, copies: 1 },
  { name: 'conv3 1280 @16x16', channels: 1280, size: 16, kernel: 3, copies: 1 },
  { name: 'conv1 320 @64x64', channels: 320, size: 64, kernel: 1, copies: 1 },
  { name: 'linear 4096 x 320-320', tokens: 4096, inputs: 320, outputs: 320, copies: 1 },
  { name: 'linear 4096 x 320-2560', tokens: 4096, inputs: 320, outputs: 2560, copies: 1 },
  { name: 'linear 257 x 512-512', tokens: 257, inputs: 512, outputs: 512, copies: 4 },
  { name: 'linear 257 x 512-2048', tokens: 257, inputs: 512, outputs: 2048, copies: 1 },
  { name: 'linear 257 x 2048-512', tokens: 257, inputs: 2048, outputs: 512, copies: 1 },
].filter(({ name }) => new RegExp(args.shapes).test(name));

/** The goals, as ratios of onnxruntime-web's time. */
const goals = { dense: 1.4, '2:4': 2.7 };

let state = 1;
function random() {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
}
const uniform = (n, scale = 1) => Float32Array.from({ length: n }, () => (2 * random() - 1) * scale);
/** Milliseconds since some moment. */
const now = args.clock === 'cpu' ? () => process.cpuUsage().user / 1000 : () => performance.now();

/** Whole kernels; `keep(channel)` of each four output channels. */
function mask(outputs, inputs, taps, rows, keep) {
  const bits = new Uint8Array(outputs * inputs * taps);
  for (let first = 0; first < outputs; first += rows) {
    const chosen = keep(inputs);
    for (let row = first; row < first + rows; row++) {
      for (let c = 0; c < inputs; c++)
        if (chosen[c]) bits.fill(1, (row * inputs + c) * taps, (row * inputs + c + 1) * taps);
    }
  }
  return bits;
}

/** Two of every four inputs; two pairs of every four pairs of inputs for the integer kernels. */
const twoOfFour = (unit) => (inputs) => {
  const chosen = new Uint8Array(inputs);
  for (let first = 0; first < inputs; first += 4 * unit) {
    const a = Math.floor(random() * 4);
    const b = (a + 1 + Math.floor(random() * 3)) % 4;
    for (const part of [a, b]) chosen.fill(1, first + part * unit, first + (part + 1) * unit);
  }
  return chosen;
};
const share = (density) => (inputs) => Uint8Array.from({ length: inputs }, () => (random() < density ? 1 : 0));

await init({ relaxed: hasRelaxedSimd() });
const runtime = createRuntime({ isa: args.isa });
const { arena, kernels } = runtime;
const title = `Node ${process.versions.node}, V8 ${process.versions.v8}, ${cpus()[0].model}, isa ${runtime.isa}`;

const guardResult = measureKernels();
if (args.guard) process.exit(guardResult.ok ? 0 : 1);

const ort = await import('onnxruntime-web');
ort.env.wasm.numThreads = 1;
const results = [];
for (const shape of shapes) results.push(await measureShape(shape));
printSummary(results);
if (args.out) {
  const setup = { title, ort: ort.env.versions.web, msPerShape: Number(args.ms), clock: args.clock, threads: 1, goals };
  await writeFile(args.out, `${JSON.stringify({ setup, kernels: guardResult.rates, results }, null, 2)}\n`);
}
process.exit(0);

/** Rates of the bare kernels, in GFLOP/s of executed work, on data that stays in the first-level cache. */
function measureKernels() {
  const [groups, inputs, columns] = [16, 128, 64];
  const b = arena.upload(uniform(inputs * columns));
  const c = arena.alloc(4 * 4 * groups * columns);
  const values = arena.upload(uniform(groups * inputs * 4));
  const rowPtr = arena.upload(Int32Array.from({ length: groups + 1 }, (_, g) => g * inputs));
  const offsets = arena.upload(Uint16Array.from({ length: groups * inputs }, (_, i) => (i % inputs) * columns));
  const candidates = [];
  for (const isa of runtime.isa === 'simd' ? ['simd'] : ['simd', 'relaxed']) {
    const gemm = kernels[`f32_gemm_packed_4x8__${isa}`];
    candidates.push({
      name: `f32_gemm_packed_4x8__${isa}`,
      mr: 4,
      run: () => gemm(values, groups, inputs, b, 256, 8, c, 256),
    });
    for (const [format, mr, nr] of [
      ['block', 4, 8],
      ['block', 2, 16],
      ['csr', 1, 16],
      ['csr', 1, 32],
    ]) {
      const name = `f32_spmm_${format}_${mr}x${nr}__${isa}`;
      const count = columns / nr;
      const tiles = arena.upload(Int32Array.from({ length: 2 * count }, (_, i) => (i >> 1) * 4 * nr));
      const run = () => kernels[name](rowPtr, offsets, values, groups, b, 16, tiles, count, c, 256, 16, 0, 0);
      candidates.push({ name, mr, run });
    }
  }
  const rates = {};
  for (let round = -10; round < 41; round++) {
    for (const candidate of candidates) {
      const start = now();
      for (let i = 0; i < 10; i++) candidate.run();
      if (round >= 0) (candidate.times ??= []).push((now() - start) / 10);
    }
  }
  console.log(title);
  for (const { name, mr, times } of candidates) {
    rates[name] = (2 * groups * mr * inputs * columns) / median(times) / 1e6;
    console.log(`  ${name.padEnd(34)} ${rates[name].toFixed(1).padStart(6)} GFLOP/s`);
  }
  const ratio = rates[`f32_spmm_block_4x8__${runtime.isa}`] / rates[`f32_gemm_packed_4x8__${runtime.isa}`];
  const ok = ratio >= 0.8;
  console.log(`  block 4x8 over dense 4x8: ${ratio.toFixed(2)}${ok ? '' : '  BELOW 0.8: registers are spilled'}`);
  return { ok, rates };
}

async function measureShape(shape) {
  const { name, copies, kernel = 1, channels, size } = shape;
  const { outputs = channels, inputs = channels, tokens } = shape;
  const taps = kernel * kernel;
  const pixels = tokens ?? size * size;
  const isLinear = tokens !== undefined;
  const weights = Array.from({ length: copies }, () =>
    uniform(outputs * inputs * taps, Math.sqrt(3 / (inputs * taps))),
  );
  const x = uniform(inputs * pixels);
  const candidates = [await ortCandidate(shape, weights, x, { outputs, inputs, pixels, kernel })];

  const held = [arena.upload(x), arena.alloc(4 * outputs * pixels), arena.alloc(4 * outputs * pixels)];
  const add = (label, options, packOptions = {}, bits = undefined) => {
    const start = performance.now();
    const layers = weights.map((weight) => {
      const packed = packWeights(
        weight,
        { outputs, inputs, kernel: [kernel, kernel] },
        { mask: bits?.(), mr: 4, ...packOptions },
      );
      return isLinear
        ? createLinear(runtime, packed, { tokens })
        : createConvolution(runtime, packed, { height: size, width: size, ...options });
    });
    const packMs = performance.now() - start;
    const run = () => {
      for (const [i, layer] of layers.entries()) {
        const from = i === 0 ? held[0] : held[1 + ((i + 1) % 2)];
        layer.run({ at: from, channels: i ? outputs : inputs }, held[1 + (i % 2)]);
      }
    };
    candidates.push({ label, run, packMs, free: () => layers.map((layer) => layer.free()) });
  };
  const pattern = (rows, keep) => () => mask(outputs, inputs, taps, rows, keep);
  const sparse = pattern(4, twoOfFour(1));
  add('direct dense', { algorithm: 'direct' });
  add('direct 2:4', { algorithm: 'direct' }, {}, sparse);
  add('direct 2:4 pairs', { algorithm: 'direct' }, { mr: 2 }, pattern(2, twoOfFour(1)));
  add('direct 4x1 90 %', { algorithm: 'direct' }, {}, pattern(4, share(0.1)));
  add('direct csr 90 %', { algorithm: 'direct' }, { mr: 1 }, pattern(1, share(0.1)));
  if (kernel === 3) {
    for (const [label, algorithm] of [
      ['F2', 'winograd-f2'],
      ['F4', 'winograd-f4'],
    ]) {
      add(`${label} dense`, { algorithm });
      add(`${label} 2:4`, { algorithm }, {}, sparse);
    }
  } else {
    add('i16 dense', {}, { type: 'i16' });
    add('i16 2:4', {}, { type: 'i16' }, pattern(4, twoOfFour(2)));
    if (runtime.hasRelaxedDot) {
      add('s8 dense', {}, { type: 's8' });
      add('s8 2:4', {}, { type: 's8' }, pattern(4, twoOfFour(4)));
    }
  }

  for (const candidate of candidates) {
    candidate.times = [];
    for (let i = 0; i < 2; i++) await candidate.run();
  }
  const begun = performance.now();
  let rounds = 0;
  for (; rounds < 5 || (performance.now() - begun < Number(args.ms) && rounds < 60); rounds++) {
    for (let i = 0; i < candidates.length; i++) {
      const candidate = candidates[(i + rounds) % candidates.length];
      const start = now();
      await candidate.run();
      candidate.times.push(now() - start);
    }
  }
  for (const { free } of candidates) await free();
  for (const pointer of held) arena.free(pointer);

  const flops = 2 * outputs * inputs * taps * pixels * copies;
  const base = median(candidates[0].times);
  const rows = candidates.map(({ label, times, packMs }) => {
    const ms = median(times);
    return { label, ms, minMs: Math.min(...times), gflops: flops / ms / 1e6, overOrt: base / ms, packMs };
  });
  console.log(`\n${name}: ${(flops / 1e6).toFixed(0)} MFLOP, ${rounds} rounds`);
  for (const { label, ms, gflops, overOrt } of rows) {
    const columns = [ms.toFixed(2).padStart(9), gflops.toFixed(0).padStart(6), overOrt.toFixed(2).padStart(7)];
    console.log(`  ${label.padEnd(18)}${columns[0]} ms ${columns[1]} GFLOP/s effective ${columns[2]} x ort-web`);
  }
  return { name, flops, rounds, rows };
}

/** The same layers as one ONNX model: Conv over NCHW, or MatMul over [tokens, channels], which is its natural form. */
async function ortCandidate({ tokens }, weights, x, { outputs, inputs, pixels, kernel }) {
  const isLinear = tokens !== undefined;
  const builder = new GraphBuilder('layers');
  const side = Math.sqrt(pixels);
  const shapeOf = (count) => (isLinear ? [pixels, count] : [1, count, side, side]);
  let value = builder.input('x', 'float32', shapeOf(inputs));
  for (const [i, weight] of weights.entries()) {
    if (isLinear) {
      const turned = new Float32Array(weight.length);
      for (let o = 0; o < outputs; o++)
        for (let c = 0; c < inputs; c++) turned[c * outputs + o] = weight[o * inputs + c];
      const name = builder.constant(`w${i}`, constantOf(float32([inputs, outputs], turned)));
      value = builder.op('MatMul', [value, name]);
    } else {
      const name = builder.constant(`w${i}`, constantOf(float32([outputs, inputs, kernel, kernel], weight)));
      const half = kernel >> 1;
      value = builder.op('Conv', [value, name], {
        kernel_shape: ints([kernel, kernel]),
        pads: ints([half, half, half, half]),
      });
    }
  }
  builder.output(value, 'float32', shapeOf(outputs), 'y');
  const session = await ort.InferenceSession.create(await encodeOnnx(builder.build()), {
    executionProviders: ['wasm'],
    graphOptimizationLevel: 'all',
  });
  let data = x;
  if (isLinear) {
    data = new Float32Array(x.length);
    for (let t = 0; t < pixels; t++) for (let c = 0; c < inputs; c++) data[t * inputs + c] = x[c * pixels + t];
  }
  const feeds = { x: new ort.Tensor('float32', data, shapeOf(inputs)) };
  return { label: 'ort-web', run: () => session.run(feeds), free: () => session.release() };
}

function printSummary(all) {
  const best = ({ rows }, test) =>
    Math.max(...rows.filter(({ label }) => test.test(label)).map(({ overOrt }) => overOrt));
  console.log('\nTimes onnxruntime-web, best f32 algorithm of each kind');
  console.log(`  ${'shape'.padEnd(24)}  dense   2:4  90 %   i16  i16 2:4    s8  s8 2:4`);
  for (const result of all) {
    const cells = [
      /^(direct|F\d) dense/,
      /^(direct|F\d) 2:4/,
      /90 %/,
      /^i16 dense/,
      /^i16 2:4/,
      /^s8 dense/,
      /^s8 2:4/,
    ].map((test) => {
      const value = best(result, test);
      return (Number.isFinite(value) ? value.toFixed(2) : '–').padStart(6);
    });
    const missed =
      best(result, /^(direct|F\d) dense/) < goals.dense || best(result, /^(direct|F\d) 2:4/) < goals['2:4'];
    console.log(`  ${result.name.padEnd(24)}${cells.join(' ')}${missed ? '   below the goal' : ''}`);
  }
}
