import type { Model } from '@secateur/core';
import { float32, GraphBuilder, int64, symbol, type Tensor } from '@secateur/graph';
import { type DenoiserInputs, denoiserInputs } from '../../src/denoiser.js';
import type { ConditionRequest } from '../../src/kinds/kind.js';
import type { TextEncoder, TextOutput } from '../../src/text-encoder.js';

/** A denoiser with these conditions by name, with their last axes. */
export function fakeDenoiser(conditions: Record<string, number[]>, sample = [4, 8, 8]) {
  const builder = new GraphBuilder('denoiser');
  const shape = [symbol('batch'), ...sample];
  const value = builder.input('hidden_states', 'float32', shape);
  builder.input('timestep', 'float32', [symbol('batch')]);
  for (const [name, rest] of Object.entries(conditions)) builder.input(name, 'float32', [symbol('batch'), ...rest]);
  builder.output(builder.op('Identity', [value]), 'float32', shape, 'out');
  const model: Model = { name: 'denoiser', graph: builder.build(), format: 'test', sizes: {}, files: async () => [] };
  return { model, inputs: denoiserInputs(model) satisfies DenoiserInputs };
}

/** Every state of a text is its length; three tokens, of which as many count as the text has letters. */
export function fakeEncoder(name: string, width: number): TextEncoder & { readonly heard: string[] } {
  const heard: string[] = [];
  return {
    name,
    heard,
    width: () => width,
    async encode(texts) {
      heard.push(...texts);
      const states = (tokens: number): Tensor =>
        float32(
          tokens === 0 ? [texts.length, width] : [texts.length, tokens, width],
          texts.flatMap((text) => new Array<number>(Math.max(tokens, 1) * width).fill(text.length)),
        );
      const mask = int64(
        texts.flatMap((text) => [0, 1, 2].map((i) => (i < text.length ? 1 : 0))),
        [texts.length, 3],
      );
      return { last: states(3), penultimate: states(3), projected: states(0), pooled: states(0), mask } as Record<
        TextOutput | 'mask',
        Tensor
      >;
    },
    dispose: async () => {},
  };
}

export function requestFor(prompts: string[], more: Partial<ConditionRequest> = {}): ConditionRequest {
  const size = { height: 16, width: 32, latentHeight: 8, latentWidth: 16 };
  return { prompts, labels: [], count: prompts.length, guidanceScale: 5, batchSize: 8, ...size, ...more };
}
