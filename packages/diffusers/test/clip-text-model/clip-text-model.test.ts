import { evaluateDim, evaluateGraph, inferTypes, int64, shapeText } from '@secateur/graph';
import { describe, expect, it } from 'vitest';
import { clipTextModel, clipTextModelWithProjection, countParameters } from '../../src/index.js';
import { expectLibraryGradients } from '../support/model-class.js';
import { expectLibraryOutputs, graphOf, readTextEncoder } from '../support/text-encoders.js';

const variants = ['clip', 'clip-legacy', 'clip-projection'];

const widths = (
  hidden_size: number,
  num_attention_heads: number,
  num_hidden_layers: number,
  projection_dim: number,
) => ({
  hidden_size,
  intermediate_size: 4 * hidden_size,
  num_attention_heads,
  num_hidden_layers,
  projection_dim,
});

describe('the classes of CLIP’s text encoder: tensors', () => {
  it.each([
    ['Stable Diffusion 1', clipTextModel, widths(768, 12, 12, 768), 123_060_480],
    ['Stable Diffusion 2', clipTextModel, widths(1024, 16, 23, 512), 340_387_840],
    ['SDXL, the second', clipTextModelWithProjection, widths(1280, 20, 32, 1280), 694_659_840],
  ])('count exactly the parameters: %s', (_, modelClass, config, parameters) => {
    expect(countParameters(modelClass.tensors(config))).toBe(parameters);
  });

  it.each(variants)('have transformers’ names and shapes: %s', (name) => {
    const { modelClass, config, shapes } = readTextEncoder(name);
    expect(Object.fromEntries(modelClass.tensors(config).map((spec) => [spec.name, spec.shape]))).toEqual(shapes);
  });
});

describe('the classes of CLIP’s text encoder: build', () => {
  it.each(variants)('computes what transformers computes: %s', (name) => {
    expectLibraryOutputs(readTextEncoder(name));
  });

  it('has the gradients of PyTorch', () => {
    const model = readTextEncoder('clip');
    expectLibraryGradients(model.modelClass, model);
  });

  it('looks at no token behind', () => {
    const model = readTextEncoder('clip');
    const stateOf = (ids: number[]) => {
      const out = evaluateGraph(graphOf(model), { input_ids: int64(ids, [1, ids.length]) }).out;
      return [...out.data.slice(0, 2 * 16)];
    };
    expect(stateOf([18, 4, 7, 2])).toEqual(stateOf([18, 4, 11, 19]));
  });

  it('declares inputs and outputs with symbolic sizes', () => {
    const graph = graphOf(readTextEncoder('clip-projection'));
    const text = ({ name, dtype, shape }: (typeof graph.inputs)[number]) => `${name} ${dtype} ${shapeText(shape)}`;
    expect(graph.inputs.map(text)).toEqual(['input_ids int64 [batch, tokens]']);
    expect(graph.outputs.map(text)).toEqual([
      'out float32 [batch, 6]',
      'last_hidden_state float32 [batch, tokens, 16]',
      ...[0, 1, 2].map((i) => `hidden_states.${i} float32 [batch, tokens, 16]`),
    ]);
    const types = inferTypes(graph);
    const inferred = graph.outputs.map(({ name }) =>
      types.get(name)!.shape.map((dim) => evaluateDim(dim, { batch: 3, tokens: 5 })),
    );
    expect(inferred).toEqual([[3, 6], ...new Array(4).fill([3, 5, 16])]);
  });

  it('takes as many tokens as there are positions', () => {
    expect(clipTextModel.sizes(widths(768, 12, 12, 768))).toEqual({ tokens: 77 });
  });
});
