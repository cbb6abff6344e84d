import * as bundled from '../../pkg/bundler/sparse_wasm.js';
import initWeb, { f32_silu__simd, wasm_memory } from '../../pkg/web/sparse_wasm.js';
import init, { createConvolution, createLinear, createRuntime, packWeights } from '../../src/index.js';

/** SiLU of 1, 2, 3, 4 by some target's function over some memory. */
function silu(run: typeof f32_silu__simd, memory: WebAssembly.Memory): number[] {
  const floats = new Float32Array(memory.buffer, 4096, 8);
  floats.set([1, 2, 3, 4]);
  run(4112, 4096, 4);
  return [...floats.subarray(4)];
}

/** `pkg/bundler`, whose module the bundler instantiates. */
export function useBundler(): number[] {
  return silu(bundled.f32_silu__simd, bundled.wasm_memory());
}

/** `pkg/web` by its default URL; a second `init` gives the first instance. */
export async function useWeb(): Promise<{ values: number[]; same: boolean }> {
  const first = await initWeb();
  const second = await initWeb({ module_or_path: 'nowhere.wasm' });
  return { values: silu(f32_silu__simd, wasm_memory()), same: first === second };
}

export interface LayerRun {
  isa: string;
  hasRelaxedDot: boolean;
  convolution: Float32Array;
  linear: Float32Array;
}

/** The typed layer, with the relaxed module: a convolution by Winograd and an eight-bit linear layer. */
export async function useLayers(
  weight: Float32Array,
  x: Float32Array,
  flat: Float32Array,
  tokens: Float32Array,
): Promise<LayerRun> {
  await init({ relaxed: true });
  const runtime = createRuntime();
  const { arena } = runtime;
  const shape = { outputs: 8, inputs: 8, kernel: [3, 3] as const };
  const packed = packWeights(weight, shape);
  const convolution = createConvolution(runtime, packed, { height: 16, width: 16, algorithm: 'winograd-f4' });
  const y = arena.alloc(4 * convolution.outputSize);
  convolution.run({ at: arena.upload(x), channels: 8 }, y);
  const linear = createLinear(runtime, packWeights(flat, { outputs: 16, inputs: 32 }, { type: 's8' }), { tokens: 40 });
  const z = arena.alloc(4 * linear.outputSize);
  linear.run({ at: arena.upload(tokens), channels: 32 }, z);
  return {
    isa: runtime.isa,
    hasRelaxedDot: runtime.hasRelaxedDot,
    convolution: arena.f32(y, convolution.outputSize).slice(),
    linear: arena.f32(z, linear.outputSize).slice(),
  };
}
